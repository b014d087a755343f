/**
 * Pages that come after their program has begun (image/contract/lazy-pages.ts): the list of what is there, and answers
 * to a process that waits. Whoever brings pages writes them to the snapshot's file first, and then says arrived().
 *
 *     process                this                        whoever brings pages
 *     needs unit 7  ------>  not there: onWant(7)  --->
 *                                                  <---  writes unit 7, arrived(7, 1)
 *                   <------  sets its bit, a byte
 *
 * The list is a file with a bit for each 64 KiB of the snapshot's file, which the process maps: so what is there costs
 * no question.
 */

import { closeSync, openSync, writeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { InputError } from '../base/errors.js';
import {
  LAZY_MAGIC,
  LAZY_REQUEST_SIZE,
  LAZY_SOURCE_MAX,
  LAZY_UNIT,
  LZ_BITS,
  LZ_MAGIC,
  LZ_SOURCE,
  LZ_SOURCE_LENGTH,
  LZ_UNITS,
} from '../image/contract/lazy-pages.js';

/** How many bytes a list of bits has for a file of a size. */
export function unitBytes(fileSize: number): number {
  return Math.ceil(fileSize / LAZY_UNIT / 8);
}

export class LazyPages {
  /** The list, to be read: the process inherits it as the descriptor after its socket's. */
  readonly fd: number;
  private readonly writable: number;
  /** Bit n is set when unit n is there. */
  private readonly bits: Buffer;
  /** How many units are still to come. */
  left = 0;
  private socket: Duplex | undefined;
  /** What the process waits for. */
  private wanted: number | undefined;
  private onWant: (unit: number) => void = () => {};
  private isClosed = false;

  /**
   * @param path of the list, a new file
   * @param source what has the pages that are missing, in words: it is named when they cannot be had
   * @param missing bit n is set when unit n is still to come
   * @throws the system's error
   */
  constructor(path: string, source: string, missing: Uint8Array) {
    this.bits = Buffer.alloc(Math.ceil(missing.length / 8) * 8, 0xff);
    for (const [i, byte] of missing.entries()) {
      this.bits[i] = ~byte;
      for (let rest = byte; rest !== 0; rest &= rest - 1) this.left++;
    }
    const head = Buffer.alloc(LZ_BITS);
    const name = Buffer.from(source).subarray(0, LAZY_SOURCE_MAX);
    head.writeBigUInt64LE(BigInt(LAZY_MAGIC), LZ_MAGIC);
    head.writeBigUInt64LE(BigInt(this.bits.length * 8), LZ_UNITS);
    head.writeBigUInt64LE(BigInt(name.length), LZ_SOURCE_LENGTH);
    head.set(name, LZ_SOURCE);
    this.writable = openSync(path, 'wx', 0o600);
    this.write(head, 0);
    this.write(this.bits, LZ_BITS);
    this.fd = openSync(path, 'r');
  }

  /**
   * Answers a process from now on. One that asks for what no file has, or again before it has an answer, is not answered
   * any more.
   *
   * @param socket to the process
   */
  serve(socket: Duplex): void {
    this.socket = socket;
    let rest: Buffer = Buffer.alloc(0);
    socket.on('error', () => {}); // it has ended, which its parent hears of
    socket.on('data', (data: Buffer) => {
      rest = Buffer.concat([rest, data]);
      for (; rest.length >= LAZY_REQUEST_SIZE; rest = rest.subarray(LAZY_REQUEST_SIZE)) this.ask(rest.readUInt32LE());
    });
  }

  /** @param onWant called with each unit that the process waits for and that is not there */
  onWanted(onWant: (unit: number) => void): void {
    this.onWant = onWant;
    if (this.wanted !== undefined && !this.isThere(this.wanted)) onWant(this.wanted);
  }

  isThere(unit: number): boolean {
    return unit < this.bits.length * 8 && (this.bits[unit >> 3] & (1 << (unit & 7))) !== 0;
  }

  /** Whether all of these bytes of the file are still to come. */
  isMissing(offset: number, length: number): boolean {
    const last = Math.floor(Math.max(offset, offset + length - 1) / LAZY_UNIT);
    if (last >= this.bits.length * 8) return false;
    for (let unit = Math.floor(offset / LAZY_UNIT); unit <= last; unit++) if (this.isThere(unit)) return false;
    return true;
  }

  /**
   * Says that units are in the file.
   *
   * @throws InputError for units that no file has
   */
  arrived(first: number, count: number): void {
    const end = first + count;
    if (end > this.bits.length * 8) throw new InputError('stream', `unit ${end - 1} of a file with fewer has come`);
    if (count === 0) return;
    for (let unit = first; unit < end; unit++) {
      if (this.isThere(unit)) continue;
      this.bits[unit >> 3] |= 1 << (unit & 7);
      this.left--;
    }
    const from = first >> 3;
    this.write(this.bits.subarray(from, ((end - 1) >> 3) + 1), LZ_BITS + from);
    if (this.wanted !== undefined && this.isThere(this.wanted)) this.answer();
  }

  /** Nothing more will come: a process that needs more ends. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.socket?.destroy();
    closeSync(this.fd);
    closeSync(this.writable);
  }

  /** It has one thread, and so one question at a time. */
  private ask(unit: number): void {
    if (this.wanted !== undefined || unit >= this.bits.length * 8) {
      this.socket?.destroy();
      return;
    }
    this.wanted = unit;
    if (this.isThere(unit)) this.answer();
    else this.onWant(unit);
  }

  private answer(): void {
    this.wanted = undefined;
    this.socket?.write(Buffer.of(1));
  }

  private write(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.writable, bytes, at, bytes.length - at, position + at);
  }
}
