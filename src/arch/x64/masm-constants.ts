/**
 * The macro-assembler's pool of 16-byte constants: those of one function, after its code, each once.
 *
 * An instruction refers to a constant as [rip + disp32]. Until flushConstants, that field holds the position of the
 * constant's previous reference (0 ends the chain: no field can be at 0, an opcode precedes it), as those of labels do.
 * The pool is aligned to 16 bytes, which packed instructions demand of memory; text starts at a multiple of 64 KiB.
 */

import type { Reg } from '../masm/masm.js';
import type { Encoding } from './encoding.js';
import { X } from './encodings.js';
import { V } from './encodings-vector.js';
import { MemoryMasm } from './masm-memory.js';

export class ConstantMasm extends MemoryMasm {
  private poolCount = 0;
  /** Four a constant. */
  private poolWords = new Int32Array(4 * 64);
  /** By constant: position of its last reference, and its place in the hash table. */
  private poolReferences = new Int32Array(64);
  private poolPlaces = new Int32Array(64);
  /** Open addressing, twice as long as there can be constants: constant + 1, or 0. */
  private poolHash = new Int32Array(128);

  moveVector(dst: Reg, src: Reg): void {
    if (dst !== src) this.rr(X.movaps, 0, dst, src);
  }

  vectorConstant(dst: Reg, w0: number, w1: number, w2: number, w3: number): void {
    const all = w0 & w1 & w2 & w3;
    if ((w0 | w1 | w2 | w3) === 0) this.rr(V.pxor, 0, dst, dst);
    else if (all === -1) this.rr(X.pcmpeqd, 0, dst, dst);
    else this.rk(X.movaps, dst, w0, w1, w2, w3);
  }

  /** reg field, constant of the pool. Not for encodings with an immediate. */
  protected rk(e: Encoding, reg: Reg, w0: number, w1: number, w2: number, w3: number): void {
    const constant = this.poolConstant(w0 | 0, w1 | 0, w2 | 0, w3 | 0);
    this.rp(e, 0, reg, 0);
    const field = this.at - 4;
    this.writeInt32(field, this.poolReferences[constant]);
    this.poolReferences[constant] = field;
  }

  /** The same, of four equal words. */
  protected rk4(e: Encoding, reg: Reg, word: number): void {
    this.rk(e, reg, word, word, word, word);
  }

  flushConstants(): void {
    const count = this.poolCount;
    if (count === 0) return;
    while ((this.at & 15) !== 0) this.none(X.int3);
    for (let i = 0; i < count; i++) {
      const at = this.reserve();
      for (let word = 0; word < 4; word++) this.writeInt32(at + 4 * word, this.poolWords[4 * i + word]);
      this.at = at + 16;
      for (let field = this.poolReferences[i]; field !== 0; ) {
        const previous = this.readInt32(field);
        this.writeInt32(field, at - (field + 4));
        field = previous;
      }
      this.poolHash[this.poolPlaces[i]] = 0;
    }
    this.poolCount = 0;
  }

  /** Index of a constant, a new one if need be. */
  private poolConstant(w0: number, w1: number, w2: number, w3: number): number {
    const words = this.poolWords;
    const mask = this.poolHash.length - 1;
    let place = hash(w0, w1, w2, w3) & mask;
    for (let entry = this.poolHash[place]; entry !== 0; entry = this.poolHash[place]) {
      const at = 4 * (entry - 1);
      if (words[at] === w0 && words[at + 1] === w1 && words[at + 2] === w2 && words[at + 3] === w3) return entry - 1;
      place = (place + 1) & mask;
    }
    if (2 * this.poolCount >= mask) {
      this.growPool();
      return this.poolConstant(w0, w1, w2, w3);
    }
    const index = this.poolCount++;
    words[4 * index] = w0;
    words[4 * index + 1] = w1;
    words[4 * index + 2] = w2;
    words[4 * index + 3] = w3;
    this.poolReferences[index] = 0;
    this.poolPlaces[index] = place;
    this.poolHash[place] = index + 1;
    return index;
  }

  private growPool(): void {
    const room = this.poolReferences.length * 2;
    const words = new Int32Array(4 * room);
    words.set(this.poolWords);
    const references = new Int32Array(room);
    references.set(this.poolReferences);
    const places = new Int32Array(room);
    const table = new Int32Array(2 * room);
    for (let i = 0; i < this.poolCount; i++) {
      let place = hash(words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]) & (2 * room - 1);
      while (table[place] !== 0) place = (place + 1) & (2 * room - 1);
      table[place] = i + 1;
      places[i] = place;
    }
    this.poolWords = words;
    this.poolReferences = references;
    this.poolPlaces = places;
    this.poolHash = table;
  }
}

function hash(w0: number, w1: number, w2: number, w3: number): number {
  let h = Math.imul(w0, 0x9e3779b1) ^ Math.imul(w1, 0x85ebca77) ^ Math.imul(w2, 0xc2b2ae3d) ^ Math.imul(w3, 0x27d4eb2f);
  h ^= h >>> 15;
  return h ^ (h >>> 7);
}
