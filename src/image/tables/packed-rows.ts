/**
 * The stored form of tables whose rows are three u32, sorted by the first, a text offset: differences from the row
 * before, as LEB128 numbers (image/contract/site-tables.ts PK_*). It takes less than a third of the rows themselves.
 */

import { PK_BLOCK, PK_ENTRY, PK_HEAD } from '../contract/site-tables.js';
import { damaged } from './damaged.js';

/** The most bytes that a row takes: a number of 32 bits, one of 33 and one of 32. */
const ROW_MAX = 15;

export class RowPacker {
  private bytes: Uint8Array<ArrayBuffer>;
  private at: number;
  private readonly stream: number;
  private row = 0;
  private text = 0;
  private second = 0;
  private third = 0;

  /** @param count how many rows will be added */
  constructor(private readonly count: number) {
    this.stream = streamStart(count);
    this.at = this.stream;
    this.bytes = new Uint8Array(this.stream + 4 * count + ROW_MAX);
  }

  /** Text offsets ascend. */
  add(text: number, second: number, third: number): void {
    if (this.at + ROW_MAX > this.bytes.length) this.grow();
    if (this.row % PK_BLOCK === 0) {
      const entry = PK_HEAD + (this.row / PK_BLOCK) * PK_ENTRY;
      const view = new DataView(this.bytes.buffer);
      view.setUint32(entry, text, true);
      view.setUint32(entry + 4, this.at - this.stream, true);
      this.second = 0;
      this.third = 0;
    } else this.number(text - this.text);
    const differs = third === this.third ? 0 : 1;
    this.number(2 * zigzag(second - this.second) + differs);
    if (differs) this.number(zigzag(third - this.third));
    this.text = text;
    this.second = second;
    this.third = third;
    this.row++;
  }

  /** @returns the section; of no rows an empty one */
  finish(): Uint8Array {
    if (this.count === 0) return new Uint8Array();
    new DataView(this.bytes.buffer).setUint32(0, this.count, true);
    return this.bytes.subarray(0, this.at);
  }

  private number(value: number): void {
    const { bytes } = this;
    let rest = value;
    while (rest >= 0x80000000) {
      bytes[this.at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[this.at++] = rest;
  }

  private grow(): void {
    const bytes = new Uint8Array(2 * this.bytes.length);
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}

/**
 * The counterpart of RowPacker: three words a row.
 *
 * @param what names the table, for the error
 * @throws InputError 'damaged-image' when it is not what RowPacker wrote; the order of the text offsets is not checked
 */
export function unpackRows(section: Uint8Array, what: string): Uint32Array {
  if (section.length === 0) return new Uint32Array();
  if (section.length < PK_HEAD) throw damaged(`${what} is cut off`);
  const view = new DataView(section.buffer, section.byteOffset, section.length);
  const count = view.getUint32(0, true);
  const stream = streamStart(count);
  // a row has a byte at least
  if (section.length < stream + count) throw damaged(`${what} is cut off`);
  const words = new Uint32Array(3 * count);
  const numbers = new NumberReader(section, stream, what);
  let text = 0;
  let second = 0;
  let third = 0;
  for (let row = 0; row < count; row++) {
    if (row % PK_BLOCK === 0) {
      const entry = PK_HEAD + (row / PK_BLOCK) * PK_ENTRY;
      text = view.getUint32(entry, true);
      if (view.getUint32(entry + 4, true) !== numbers.at - stream) throw damaged(`${what} out of order`);
      second = 0;
      third = 0;
    } else text += numbers.next();
    const code = numbers.next();
    second += signed(Math.floor(code / 2));
    if (code % 2 === 1) third += signed(numbers.next());
    if (text > U32 || second < 0 || second > U32 || third < 0 || third > U32) throw damaged(`${what} out of range`);
    words[3 * row] = text;
    words[3 * row + 1] = second;
    words[3 * row + 2] = third;
  }
  if (numbers.at !== section.length) throw damaged(`${what} has more than its rows`);
  return words;
}

const U32 = 0xffffffff;

class NumberReader {
  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
    private readonly what: string,
  ) {}

  next(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 128; scale <= 2 ** 28; scale *= 128) {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw damaged(`${this.what} is cut off`); // or a number has more than 35 bits
  }
}

function streamStart(count: number): number {
  return PK_HEAD + Math.ceil(count / PK_BLOCK) * PK_ENTRY;
}

/** Small numbers of either sign become small ones without. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function signed(code: number): number {
  return code % 2 === 1 ? -(code + 1) / 2 : code / 2;
}
