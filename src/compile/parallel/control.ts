/**
 * What the threads of a compilation share: who compiles which piece, and whether to continue. Pieces are claimed in
 * order, and only so far ahead of the linked ones: that bounds how many wait.
 */

const NEXT = 0; // the first piece that nobody has claimed
const LINKED = 1; // the first piece that is not linked yet
const EVENTS = 2; // counts what the thread that links may wait for
const STOP = 3;
const WORDS = 4;

export class Control {
  constructor(
    private readonly words: Int32Array<SharedArrayBuffer>,
    private readonly pieces: number,
    private readonly ahead: number,
  ) {}

  static create(): Int32Array<SharedArrayBuffer> {
    return new Int32Array(new SharedArrayBuffer(4 * WORDS));
  }

  /** The next piece, now the caller's; -1 when there is none within reach. */
  claim(): number {
    for (;;) {
      const piece = Atomics.load(this.words, NEXT);
      if (piece >= this.pieces || piece >= Atomics.load(this.words, LINKED) + this.ahead || this.stopped) return -1;
      if (Atomics.compareExchange(this.words, NEXT, piece, piece + 1) === piece) return piece;
    }
  }

  /** Waits until there may be more to claim. @returns whether there may be */
  waitForWork(): boolean {
    for (;;) {
      if (this.stopped || Atomics.load(this.words, NEXT) >= this.pieces) return false;
      const linked = Atomics.load(this.words, LINKED);
      if (Atomics.load(this.words, NEXT) < linked + this.ahead) return true;
      Atomics.wait(this.words, LINKED, linked);
    }
  }

  link(piece: number): void {
    Atomics.store(this.words, LINKED, piece);
    Atomics.notify(this.words, LINKED);
  }

  /** Ends the work. LINKED changes too, so that a thread about to wait for it cannot miss the end. */
  stop(): void {
    Atomics.store(this.words, STOP, 1);
    this.link(this.pieces);
  }

  get stopped(): boolean {
    return Atomics.load(this.words, STOP) !== 0;
  }

  get events(): number {
    return Atomics.load(this.words, EVENTS);
  }

  announce(): void {
    Atomics.add(this.words, EVENTS, 1);
    Atomics.notify(this.words, EVENTS);
  }

  /** Waits for an event after the first `seen`. @returns whether there was one */
  waitForEvent(seen: number, milliseconds: number): boolean {
    return Atomics.wait(this.words, EVENTS, seen, milliseconds) !== 'timed-out';
  }
}
