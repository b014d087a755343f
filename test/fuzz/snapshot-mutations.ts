/**
 * Damages and forges snapshot files, reproducibly: bytes anywhere, bytes of the header with its hash made right again,
 * and fields of the decoded header with values that an attacker would choose.
 */

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { decodePrologue, encodePrologue, PROLOGUE_SIZE } from '../../src/snapshot/prologue.js';

type Random = () => number;
type Container = Record<string, unknown> | unknown[];

const NUMBERS = [
  0,
  1,
  2,
  3,
  7,
  8,
  255,
  256,
  65535,
  65536,
  2 ** 20,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 48,
  2 ** 53,
];
const STRINGS = [
  '',
  '/',
  '..',
  '../../etc/passwd',
  'a\0b',
  'entry',
  'start',
  'file',
  'preopen',
  'x64',
  '__proto__',
  'é\ud83d\ude00',
];

export class SnapshotMutator {
  private readonly headerOffset: number;
  private readonly header: Buffer;

  /** @param file an intact snapshot */
  constructor(
    private readonly file: Buffer,
    private readonly next: Random,
  ) {
    const prologue = decodePrologue(file.subarray(0, PROLOGUE_SIZE), file.length, 'file');
    this.headerOffset = prologue.headerOffset;
    this.header = file.subarray(prologue.headerOffset);
  }

  /** Another file, mostly with a right hash. */
  mutate(): Buffer {
    const choice = this.next();
    if (choice < 0.1) return this.scramble(this.file);
    if (choice < 0.35) return this.forged(this.scramble(this.header));
    return this.forged(this.changedFields());
  }

  private forged(header: Buffer): Buffer {
    const body = this.file.subarray(PROLOGUE_SIZE, this.headerOffset);
    return Buffer.concat([encodePrologue(this.headerOffset, header), body, header]);
  }

  /** Some bytes changed, cut off, inserted or repeated. */
  private scramble(bytes: Buffer): Buffer {
    let copy: Buffer = Buffer.from(bytes);
    for (let count = this.below(4) + 1; count > 0; count--) {
      const at = this.below(copy.length);
      switch (this.below(5)) {
        case 0:
          copy = copy.subarray(0, at);
          break;
        case 1:
          copy = Buffer.concat([copy.subarray(0, at), Buffer.from([this.below(256)]), copy.subarray(at)]);
          break;
        case 2:
          copy = Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1 + this.below(8))]);
          break;
        default:
          if (copy.length > 0) copy[at] ^= 1 << this.below(8);
      }
    }
    return copy;
  }

  private changedFields(): Buffer {
    const header = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(this.header) as Container;
    for (let count = this.below(3) + 1; count > 0; count--) this.changeField(header);
    return Buffer.from(new Packr({ useRecords: false, variableMapSize: true }).pack(header));
  }

  /** Walks down at random and changes what it ends at. */
  private changeField(from: Container): void {
    let container = from;
    for (;;) {
      const keys = Object.keys(container);
      if (keys.length === 0) return;
      const key = keys[this.below(keys.length)] as keyof typeof container;
      const value = container[key] as unknown;
      if (isContainer(value) && Object.keys(value).length > 0 && this.next() < 0.93) {
        container = value;
        continue;
      }
      if (this.next() < 0.04) delete container[key];
      else if (Array.isArray(value) && this.next() < 0.8)
        (container as unknown[])[key] = this.changedArray(value) as never;
      else (container as unknown[])[key] = this.changed(value) as never;
      return;
    }
  }

  private changedArray(items: readonly unknown[]): unknown[] {
    const copy = [...items];
    const at = this.below(copy.length + 1);
    if (copy.length > 0 && this.next() < 0.5) copy.splice(at, 1);
    else copy.splice(at, 0, copy[this.below(copy.length)] ?? 0);
    return copy;
  }

  private changed(value: unknown): unknown {
    if (this.next() < 0.02) return [null, true, -1, 1.5, 'text', [], {}, Buffer.of(1), 10n][this.below(9)];
    if (typeof value === 'boolean') return !value;
    if (typeof value === 'string') return this.next() < 0.5 ? this.pick(STRINGS) : value.slice(1);
    if (typeof value === 'bigint')
      return this.next() < 0.5 ? BigInt(this.pick(NUMBERS)) : value ^ (1n << BigInt(this.below(64)));
    if (typeof value === 'number') return this.next() < 0.5 ? this.pick(NUMBERS) : value + this.below(5) - 2;
    if (value instanceof Uint8Array) return this.changedBytes(value);
    return this.pick(NUMBERS);
  }

  /** Columns of numbers: one of them becomes another, or there is one more or less. */
  private changedBytes(bytes: Uint8Array): Buffer {
    const copy = Buffer.from(bytes);
    const words = copy.length >> 2;
    if (words > 0 && copy.length % 4 === 0 && this.next() < 0.8) {
      const at = this.below(words) * 4;
      const value = copy.readUInt32LE(at);
      const other = [this.pick(NUMBERS), value + this.below(7) - 3, value ^ (1 << this.below(32))][this.below(3)];
      copy.writeUInt32LE(other >>> 0, at);
      return copy;
    }
    return this.scramble(copy);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  private below(limit: number): number {
    return Math.floor(this.next() * limit);
  }
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
