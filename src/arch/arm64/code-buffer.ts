/**
 * The words of code being written: an Int32Array that doubles.
 *
 * Emission checks once per instruction whether there is room; the same comparison finds that an island is due, of jumps
 * (labels.ts) or of constants (literals.ts), so that costs nothing.
 */

import { checkCodeSize } from '../masm/code-size.js';

/** Bytes kept free at the end. */
const SLACK = 64;
/** No deadline: a text is never that long. */
export const NEVER = 0x7fffffff;

export class CodeBuffer {
  protected words: Int32Array<ArrayBuffer>;
  private bytes: Uint8Array<ArrayBuffer>;
  /** Where the next instruction goes, in bytes. */
  protected at = 0;
  /** `at` from which makeRoom must be asked: room is short, or a deadline is past. */
  protected limit: number;
  /** `at` from which makeRoom calls onDeadline; setLimit() must follow a change. */
  protected jumpDeadline = NEVER;
  protected literalDeadline = NEVER;

  /** Bytes of code that there may be. */
  codeLimit = Infinity;

  constructor(initialBytes: number) {
    const size = (Math.max(initialBytes, 2 * SLACK) + 3) & ~3;
    this.words = new Int32Array(size >> 2);
    this.bytes = new Uint8Array(this.words.buffer);
    this.limit = size - SLACK;
  }

  get offset(): number {
    return this.at;
  }

  code(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  /** Makes room for one instruction; returns `at`, which stays until the next instruction is emitted. */
  protected reserve(): number {
    if (this.at > this.limit) this.makeRoom();
    return this.at;
  }

  protected word(word: number): void {
    if (this.at > this.limit) this.makeRoom();
    this.words[this.at >> 2] = word;
    this.at += 4;
  }

  private makeRoom(): void {
    this.keepTogether(0);
    if (this.at > this.bytes.length - SLACK) this.grow(SLACK);
    this.setLimit();
  }

  /** Sees to it that no deadline falls into the next `ahead` bytes. */
  protected keepTogether(ahead: number): void {
    if (this.at + ahead > Math.min(this.jumpDeadline, this.literalDeadline)) this.onDeadline(ahead);
  }

  protected setLimit(): void {
    this.limit = Math.min(this.bytes.length - SLACK, this.jumpDeadline, this.literalDeadline);
  }

  /** Must move the deadlines that are past when `ahead` more bytes are written. */
  protected onDeadline(_ahead: number): void {}

  /** Makes sure of `room` more bytes. */
  protected grow(room: number): void {
    if (this.at + room + SLACK <= this.bytes.length) return;
    checkCodeSize(this.at + room, this.codeLimit);
    const words = new Int32Array(Math.max(this.words.length * 2, (this.at + room + 2 * SLACK) >> 2));
    words.set(this.words);
    this.words = words;
    this.bytes = new Uint8Array(words.buffer);
    this.setLimit();
  }

  /** The number of bytes must be a multiple of 4. */
  emitBytes(bytes: Uint8Array): void {
    this.grow(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }
}
