/** How far long work is: one line on stderr that overwrites itself, only on a terminal and only when it takes a while. */

const FIRST_AFTER = 300; // milliseconds
const EVERY = 100;

export class Progress {
  private readonly start = performance.now();
  private last = 0;
  private shown = false;

  constructor(
    private readonly what: string,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  /** Both in bytes. */
  update(done: number, total: number): void {
    const now = performance.now();
    if (!this.stream.isTTY || now - this.start < FIRST_AFTER || now - this.last < EVERY) return;
    this.last = now;
    this.shown = true;
    const percent = total > 0 ? Math.floor((done * 100) / total) : 100;
    this.stream.write(`\r${this.what}: ${mebibytes(done)} of ${mebibytes(total)} MiB (${percent} %)\x1b[K`);
  }

  /** Removes the line. */
  end(): void {
    if (this.shown) this.stream.write('\r\x1b[K');
    this.shown = false;
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
