/**
 * A binary module whose bytes are still arriving. What comes before its code section is decoded when that section
 * begins. Then each function body is known as soon as it is there.
 *
 * Judges nothing: where something is wrong, no more becomes known, and decodeModule says what when all bytes are there.
 */

import { decodeBeforeCode } from './decode.js';
import type { Module } from './module.js';

const PREAMBLE = 8;
const CODE = 10;
/** Bytes of a number of 32 bits, at most. */
const NUMBER_MAX = 5;

export class ArrivingModule {
  /** All before the code section; bodyStart and bodyEnd have as many entries as `bodies` says. */
  beginning: Module | undefined;
  /** How many function bodies are there, from the first one on. */
  bodies = 0;
  /** All bytes that have arrived. */
  bytes = new Uint8Array(0);
  /** Position of the next section, later of the next body. */
  private at = PREAMBLE;
  private isWrong = false;

  constructor(readonly file: string) {}

  /** @param bytes all of them from the module's start; they may be elsewhere in memory each time */
  arrive(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    while (this.beginning === undefined && this.passSection());
    if (this.beginning !== undefined) this.passBodies(this.beginning);
  }

  /** Whether no more bodies are to come. */
  get hasAllBodies(): boolean {
    return this.isWrong || this.bodies === this.beginning?.bodyStart.length;
  }

  /** Begins the code section, or passes another one. @returns whether its size was there */
  private passSection(): boolean {
    const start = this.at;
    const size = this.number(start + 1);
    if (size === undefined) return false;
    if (this.bytes[start] !== CODE) {
      this.at = size.end + size.value;
      return true;
    }
    const count = this.number(size.end);
    if (count === undefined) return false;
    try {
      const beginning = decodeBeforeCode(this.bytes.subarray(0, start), this.file);
      this.isWrong = beginning.bodyStart.length !== count.value;
      if (!this.isWrong) this.beginning = beginning;
    } catch {
      this.isWrong = true;
    }
    this.at = count.end;
    return false;
  }

  private passBodies({ bodyStart, bodyEnd }: Module): void {
    for (; this.bodies < bodyStart.length; this.bodies++) {
      const size = this.number(this.at);
      if (size === undefined || size.end + size.value > this.bytes.length) return;
      bodyStart[this.bodies] = size.end;
      bodyEnd[this.bodies] = size.end + size.value;
      this.at = size.end + size.value;
    }
  }

  /** An unsigned number in LEB128; undefined when it is not there yet, or is none. */
  private number(start: number): { readonly value: number; readonly end: number } | undefined {
    if (this.isWrong) return undefined;
    let value = 0;
    for (let i = 0; i < NUMBER_MAX && start + i < this.bytes.length; i++) {
      const byte = this.bytes[start + i];
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return { value, end: start + i + 1 };
    }
    if (this.bytes.length >= start + NUMBER_MAX) this.isWrong = true;
    return undefined;
  }
}
