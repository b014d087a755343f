/**
 * Shows the progress of long work: one line on stderr that overwrites itself, only on a terminal and only when the work
 * takes a while.
 *
 *     capturing: 312 of 1024 MiB (30 %), 410 MiB/s, 2 s left
 */

const FIRST_AFTER = 300; // milliseconds
const EVERY = 100;
const MEBI = 2 ** 20;

export class Progress {
  private readonly start: number;
  private last = 0;
  private shown = false;

  /** @param now a clock in milliseconds */
  constructor(
    private readonly what: string,
    private readonly stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'> = process.stderr,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.start = now();
  }

  /** Both in bytes. */
  update(done: number, total: number): void {
    const now = this.now();
    if (!this.stream.isTTY || now - this.start < FIRST_AFTER || now - this.last < EVERY) return;
    this.last = now;
    this.shown = true;
    const percent = total > 0 ? Math.floor((done * 100) / total) : 100;
    const rate = done / ((now - this.start) / 1000);
    const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : '';
    const line = `${mebibytes(done)} of ${mebibytes(total)} MiB (${percent} %), ${mebibytes(rate)} MiB/s${left}`;
    this.stream.write(`\r${this.what}: ${line}\x1b[K`);
  }

  /** Does something and then removes the line, even when it fails. */
  during<T>(work: () => T): T {
    try {
      return work();
    } finally {
      this.end();
    }
  }

  /** Removes the line. */
  end(): void {
    if (this.shown) this.stream.write('\r\x1b[K');
    this.shown = false;
  }
}

function mebibytes(bytes: number): string {
  return (bytes / MEBI).toFixed(0);
}
