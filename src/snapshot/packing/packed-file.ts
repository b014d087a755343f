/**
 * Reads a packed file (packed-header.ts) as if it were the file that it contains. Each extent is checked by its hash,
 * decrypted and unpacked when it is first needed; the last few are kept.
 */

import { createHash } from 'node:crypto';
import { ftruncateSync } from 'node:fs';
import { InputError, LimitError, writeFailure } from '../../base/errors.js';
import { writeAt } from '../../base/output.js';
import { frameLength, loadZstd, zstd } from '../../base/zstd.js';
import { unseal } from './cipher.js';
import type { PackedIndex } from './packed-header.js';

/** What a packed file is read with. */
export interface Packing {
  /** The first bytes of the file, by which it is recognized when it is opened again. */
  readonly front: Uint8Array;
  /** Bytes of the file. */
  readonly stored: number;
  readonly index: PackedIndex;
  /** Undefined when it is not encrypted. */
  readonly key: Uint8Array | undefined;
}

/** The bytes of the packed file itself. */
export interface StoredBytes {
  readonly path: string;
  bytes(offset: number, length: number): Buffer;
  bytesLater(offset: number, length: number): Promise<Buffer>;
}

/** How many unpacked extents are kept: those that a chunk of pages lies in, and some for small reads between. */
const KEPT = 12;
/** How many extents are unpacked at once. */
const LANES = 4;

export class PackedFile {
  private readonly kept = new Map<number, Uint8Array>();

  constructor(
    private readonly file: StoredBytes,
    private readonly packing: Packing,
  ) {}

  /** Bytes of the contents. */
  get size(): number {
    return this.packing.index.size;
  }

  /** Reads contents. The range must be within them. @throws InputError, LimitError, ToolError */
  readNow(offset: number, length: number, target: Uint8Array, at: number): void {
    this.forEach(offset, length, (number, from, to) => {
      const contents = this.kept.get(number) ?? this.keep(number, this.extentNow(number));
      put(contents, from, to, target, at + number * this.packing.index.extent + from - offset);
    });
  }

  /** The same, with work on other threads where Node has zstd. Undefined: it is done. */
  read(offset: number, length: number, target: Uint8Array, at: number): Promise<void> | undefined {
    let isKept = true;
    this.forEach(offset, length, (number) => {
      if (!this.kept.has(number)) isKept = false;
    });
    if (!isKept) return this.readLater(offset, length, target, at);
    this.readNow(offset, length, target, at);
    return undefined;
  }

  private async readLater(offset: number, length: number, target: Uint8Array, at: number): Promise<void> {
    const wanted: Promise<void>[] = [];
    this.forEach(offset, length, (number, from, to) => {
      const place = at + number * this.packing.index.extent + from - offset;
      wanted.push(
        this.extent(number).then((contents) => {
          put(contents, from, to, target, place);
        }),
      );
    });
    await Promise.all(wanted);
  }

  /** Checks and unpacks all extents, one after the other. @throws as readNow */
  async verify(onBytes: (bytes: number) => void): Promise<void> {
    const { numbers, extent } = this.packing.index;
    for (const number of numbers) {
      this.keep(number, await this.unpack(number));
      onBytes(extent);
    }
  }

  /**
   * Writes all contents to an empty file, several extents at once.
   *
   * @param target a descriptor
   * @throws as readNow; ToolError when it cannot be written
   */
  async unpackTo(target: number): Promise<void> {
    const { numbers, extent, size, codec } = this.packing.index;
    if (codec === 'zstd') await loadZstd(); // this may be another thread than the one that opened the file
    const failing = (what: () => void) => {
      try {
        what();
      } catch (error) {
        throw writeFailure(`${this.file.path}, unpacked`, error);
      }
    };
    failing(() => ftruncateSync(target, size));
    let next = 0;
    const lane = async () => {
      while (next < numbers.length) {
        const number = numbers[next++];
        const contents = await this.unpack(number);
        if (contents !== undefined) failing(() => writeAt(target, contents, number * extent));
      }
    };
    const results = await Promise.allSettled(Array.from({ length: LANES }, lane));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  private async extent(number: number): Promise<Uint8Array | undefined> {
    const known = this.kept.get(number);
    if (known !== undefined) return known;
    return this.keep(number, await this.unpack(number));
  }

  private keep(number: number, contents: Uint8Array | undefined): Uint8Array | undefined {
    if (contents === undefined) return undefined;
    this.kept.delete(number);
    this.kept.set(number, contents);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(oldest);
    }
    return contents;
  }

  private forEach(offset: number, length: number, use: (number: number, from: number, to: number) => void): void {
    const { extent } = this.packing.index;
    for (let done = offset; done < offset + length; ) {
      const number = Math.floor(done / extent);
      const start = number * extent;
      const end = Math.min(start + extent, offset + length);
      use(number, done - start, end - start);
      done = end;
    }
  }

  /** Undefined: zeros. */
  private extentNow(number: number): Uint8Array | undefined {
    const row = this.rowOf(number);
    if (row < 0) return undefined;
    const { offsets, lengths } = this.packing.index;
    const data = this.decrypted(row, this.file.bytes(offsets[row], lengths[row]));
    return this.isCompressed(row, data) ? this.whole(row, zstd().decompressNow(data, this.lengthOf(row))) : data;
  }

  private async unpack(number: number): Promise<Uint8Array | undefined> {
    const row = this.rowOf(number);
    if (row < 0) return undefined;
    const { offsets, lengths } = this.packing.index;
    const data = this.decrypted(row, await this.file.bytesLater(offsets[row], lengths[row]));
    return this.isCompressed(row, data) ? this.whole(row, await zstd().decompress(data, this.lengthOf(row))) : data;
  }

  private decrypted(row: number, stored: Buffer): Buffer {
    const { index, key } = this.packing;
    const hash = createHash('sha256').update(stored).digest();
    if (!hash.equals(index.hashes.subarray(row * 32, row * 32 + 32))) throw this.damaged(row, 'its hash differs');
    if (key === undefined) return stored;
    return unseal(key, index.numbers[row], stored) ?? this.fail(row, 'it is not what was encrypted');
  }

  /** @throws LimitError for an extent that says that it unpacks to more than it has */
  private isCompressed(row: number, data: Buffer): boolean {
    const length = this.lengthOf(row);
    if (data.length === length) return false;
    const says = frameLength(data) ?? length;
    if (says <= length) return true;
    const { numbers } = this.packing.index;
    throw new LimitError(
      'unpacked',
      `${this.file.path}: extent ${numbers[row]} unpacks to ${says} bytes, more than the ${length} that it may have`,
    );
  }

  private whole(row: number, contents: Uint8Array | undefined): Uint8Array {
    return contents ?? this.fail(row, `it does not unpack to ${this.lengthOf(row)} bytes`);
  }

  private fail(row: number, what: string): never {
    throw this.damaged(row, what);
  }

  private damaged(row: number, what: string): InputError {
    return new InputError(
      'snapshot',
      `${this.file.path}: damaged: extent ${this.packing.index.numbers[row]} at offset ${this.packing.index.offsets[row]}: ${what}`,
    );
  }

  /** Bytes of the contents of a stored extent. */
  private lengthOf(row: number): number {
    const { numbers, extent, size } = this.packing.index;
    return Math.min(extent, size - numbers[row] * extent);
  }

  /** @returns -1 for an extent of zeros */
  private rowOf(number: number): number {
    const { numbers } = this.packing.index;
    let low = 0;
    let high = numbers.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (numbers[middle] === number) return middle;
      if (numbers[middle] < number) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

/** @param contents undefined: zeros */
function put(contents: Uint8Array | undefined, from: number, to: number, target: Uint8Array, at: number): void {
  if (contents === undefined) target.fill(0, at, at + to - from);
  else target.set(contents.subarray(from, to), at);
}
