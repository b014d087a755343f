/**
 * Reads and writes another process's memory through /proc/PID/mem.
 *
 * Knows addresses, not what is stored there. Addresses are numbers, as user space ends below 2^53. Bulk reads use
 * readAsync, in pieces of at most 1 MiB (Node reads 5 GiB/s in pieces of 64 KiB to 1 MiB, less in larger ones).
 */

import { closeSync, openSync, read, readSync, writeSync } from 'node:fs';
import { ToolError } from '../base/errors.js';
import { MAPS_MAX, parseMaps } from './proc-maps.js';
import type { ProcessFolder } from './process-folder.js';

export class ProcessMemory {
  private readonly word = Buffer.alloc(8);

  private constructor(
    /** The folder of the same process. */
    readonly folder: ProcessFolder,
    private readonly fd: number,
  ) {}

  get pid(): number {
    return this.folder.pid;
  }

  /** @throws the system's error: EACCES when the kernel refuses (see process.ts) */
  static open(folder: ProcessFolder): ProcessMemory {
    return new ProcessMemory(folder, openSync(folder.path('mem'), 'r+'));
  }

  /**
   * Reads exactly `length` bytes.
   *
   * @throws ToolError 'process-ended', or 'process-memory' when a part is not mapped
   */
  read(address: number, length: number, target: Buffer = Buffer.allocUnsafe(length), at = 0): Buffer {
    const end = at + length;
    while (at < end) {
      const got = this.readSome(address, target, at, end - at);
      if (got === 0) throw this.unreadable(address);
      at += got;
      address += got;
    }
    return target;
  }

  /**
   * Reads at most `length` bytes; fewer when the rest is not mapped, 0 when nothing is.
   *
   * @throws ToolError when something that is mapped cannot be read
   */
  readSome(address: number, target: Buffer, at: number, length: number): number {
    let done = 0;
    try {
      for (let got = 1; done < length && got > 0; done += got) {
        got = readSync(this.fd, target, at + done, length - done, address + done);
      }
    } catch (error) {
      // The kernel says EIO of both: where nothing is, and where it cannot get at what is there.
      if ((error as NodeJS.ErrnoException).code !== 'EIO' || this.isMapped(address + done)) throw this.failed(error);
    }
    return done;
  }

  /** True as well when that is not known. */
  private isMapped(address: number): boolean {
    try {
      const maps = parseMaps(this.folder.text('maps', MAPS_MAX));
      return maps.some(({ start, end }) => address >= start && address < end);
    } catch {
      return true;
    }
  }

  /** Like read, on a thread of the pool. */
  async readAsync(address: number, length: number, target: Buffer, at: number): Promise<void> {
    while (length > 0) {
      const got = await new Promise<number>((resolve, reject) => {
        read(this.fd, target, at, length, address, (error, count) =>
          error ? reject(this.failed(error)) : resolve(count),
        );
      });
      if (got === 0) throw this.unreadable(address);
      at += got;
      address += got;
      length -= got;
    }
  }

  u32(address: number): number {
    return this.read(address, 4, this.word).readUInt32LE(0);
  }

  u64(address: number): bigint {
    return this.read(address, 8, this.word).readBigUInt64LE(0);
  }

  /** Reads a u64 that is an address or a size. @throws ToolError when its value cannot be one */
  address(address: number): number {
    return checkedAddress(this.u64(address), this.pid);
  }

  writeU32(address: number, value: number): void {
    this.word.writeUInt32LE(value);
    this.write(address, this.word.subarray(0, 4));
  }

  /** Writes a few bytes. */
  write(address: number, bytes: Uint8Array): void {
    try {
      writeSync(this.fd, bytes, 0, bytes.length, address);
    } catch (error) {
      throw this.failed(error);
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private failed(error: unknown): ToolError {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return this.ended();
    return new ToolError('process-memory', `pid ${this.pid}: its memory cannot be accessed: ${message}`);
  }

  private unreadable(address: number): ToolError {
    // Every read from a process that has ended is empty.
    if (!this.isThere()) return this.ended();
    return new ToolError('process-memory', `pid ${this.pid}: nothing can be read at address 0x${address.toString(16)}`);
  }

  /** Whether the process still has an address space. Without one every read is empty, even at mapped addresses. */
  isThere(): boolean {
    try {
      return readSync(this.fd, this.word, 0, 1, 0) !== 0;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ESRCH';
    }
  }

  private ended(): ToolError {
    return new ToolError('process-ended', `pid ${this.pid}: the process ended before it was captured`);
  }
}

/** @throws ToolError for a word that is no user-space address or size */
export function checkedAddress(word: bigint, pid: number): number {
  if (word >= 1n << 53n) throw new ToolError('process-memory', `pid ${pid}: 0x${word.toString(16)} is not an address`);
  return Number(word);
}
