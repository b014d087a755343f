/** A growing list of code offsets: where a piece of code refers out of itself, to DATA or to earlier code. */

export class CodeReferences {
  private offsets = new Int32Array(256);
  private count = 0;

  add(offset: number): void {
    if (this.count === this.offsets.length) {
      const grown = new Int32Array(2 * this.count);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    this.offsets[this.count++] = offset;
  }

  list(): Int32Array<ArrayBuffer> {
    return this.offsets.slice(0, this.count);
  }
}
