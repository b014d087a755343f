/**
 * Finds equal lists of words in a column, so that each is stored once. A hash table with open addressing; the caller
 * compares the list at an index.
 */

const NONE = -1;

export class WordLists {
  private indexes = new Int32Array(1024).fill(NONE);
  private hashes = new Int32Array(1024);
  private count = 0;

  /**
   * The index of a list with this hash that `equals`, or NONE.
   * @param hash of hashWords
   */
  find(hash: number, equals: (index: number) => boolean): number {
    const mask = this.indexes.length - 1;
    for (let at = hash & mask; this.indexes[at] !== NONE; at = (at + 1) & mask) {
      if (this.hashes[at] === hash && equals(this.indexes[at])) return this.indexes[at];
    }
    return NONE;
  }

  add(hash: number, index: number): void {
    if (++this.count * 2 > this.indexes.length) this.rehash();
    this.put(hash, index);
  }

  private put(hash: number, index: number): void {
    const mask = this.indexes.length - 1;
    let at = hash & mask;
    while (this.indexes[at] !== NONE) at = (at + 1) & mask;
    this.indexes[at] = index;
    this.hashes[at] = hash;
  }

  private rehash(): void {
    const { indexes, hashes } = this;
    this.indexes = new Int32Array(indexes.length * 4).fill(NONE);
    this.hashes = new Int32Array(indexes.length * 4);
    for (let i = 0; i < indexes.length; i++) if (indexes[i] !== NONE) this.put(hashes[i], indexes[i]);
  }
}

export function hashWords(words: Uint32Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ words[i], 0x01000193);
  return hash ^ (hash >>> 15);
}
