/** For how long a program will stand still that is moved, beside the time in which its last pages are sent. */

/** From the stop until it is known that the program runs: `prepare` and `prepared`, `commit` and `running`. */
const ROUND_TRIPS = 2;

export class FixedPause {
  /** Milliseconds of making the process there; undefined as long as the target tries it, and answers late. */
  preparing: number | undefined;
  /** Whether it was asked for an answer when nothing else was on the way. */
  isMeasured = false;
  private askedAt: number | undefined;
  private roundTrip = Infinity;

  get isKnown(): boolean {
    return this.preparing !== undefined;
  }

  get milliseconds(): number {
    return (this.preparing ?? 0) + (this.roundTrip < Infinity ? ROUND_TRIPS * this.roundTrip : 0);
  }

  /** The target is asked for an answer, which it gives at once unless it is busy. @param now in milliseconds */
  asks(now: number): void {
    this.askedAt = this.isKnown ? now : undefined;
  }

  /** What was sent before was on the way, too: the shortest time is that of the link. */
  answers(now: number): void {
    if (this.askedAt !== undefined) this.roundTrip = Math.min(this.roundTrip, now - this.askedAt);
  }
}
