/** Where a piece of code refers out of itself: what must change when the piece is moved. */

/** Code offsets. What refers to DATA depends on where text begins in the image, too. */
export interface References {
  /** To other code. */
  readonly text: Int32Array<ArrayBuffer>;
  readonly data: Int32Array<ArrayBuffer>;
}

export class CodeReferences {
  readonly text = new OffsetList();
  readonly data = new OffsetList();

  list(): References {
    return { text: this.text.copy(), data: this.data.copy() };
  }
}

class OffsetList {
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

  copy(): Int32Array<ArrayBuffer> {
    return this.offsets.slice(0, this.count);
  }
}
