/**
 * The bytes of code being written: a Uint8Array that doubles.
 *
 * Emission reserves room once per instruction, then stores byte by byte; a store of an out-of-range number keeps its
 * low eight bits, so no masking is needed.
 */

import { checkCodeSize } from '../masm/code-size.js';

/** More than any instruction is long (15 bytes), and than a data directive that was reserved for separately. */
const SLACK = 32;

export class CodeBuffer {
  protected bytes: Uint8Array<ArrayBuffer>;
  /** Where the next byte goes. */
  protected at = 0;
  /** `at` up to which an instruction may start without growing. */
  private limit: number;

  /** Bytes of code that there may be. */
  codeLimit = Infinity;

  constructor(initialBytes: number) {
    this.bytes = new Uint8Array(Math.max(initialBytes, 2 * SLACK));
    this.limit = this.bytes.length - SLACK;
  }

  get offset(): number {
    return this.at;
  }

  code(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  /** Makes room for one instruction; returns `at`. */
  protected reserve(): number {
    if (this.at > this.limit) this.grow(SLACK);
    return this.at;
  }

  protected grow(room: number): void {
    checkCodeSize(this.at + room, this.codeLimit);
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.at + room + SLACK));
    bytes.set(this.bytes);
    this.bytes = bytes;
    this.limit = bytes.length - SLACK;
  }

  emitBytes(bytes: Uint8Array): void {
    if (this.at + bytes.length > this.limit) this.grow(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  protected fill(byte: number, count: number): void {
    if (this.at + count > this.limit) this.grow(count);
    this.bytes.fill(byte, this.at, this.at + count);
    this.at += count;
  }

  protected writeInt32(at: number, value: number): void {
    const bytes = this.bytes;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
    bytes[at + 2] = value >> 16;
    bytes[at + 3] = value >> 24;
  }

  protected readInt32(at: number): number {
    const bytes = this.bytes;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }
}
