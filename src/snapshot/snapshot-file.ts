/**
 * Reads a snapshot's file, which is opened when it is first read. A packed file (packing/packed-file.ts) is read as if it
 * were the file that it contains.
 */

import type { Stats } from 'node:fs';
import { BugError, InputError } from '../base/errors.js';
import { PackedFile, type Packing } from './packing/packed-file.js';
import type { ByteSource } from './pages.js';
import { RawFile } from './raw-file.js';
import type { AbsentParts } from './snapshot.js';

export class SnapshotFile implements ByteSource {
  readonly fileOffset = 0;
  private readonly raw: RawFile;
  private readonly packed: PackedFile | undefined;
  private isSame = false;

  /**
   * @param packing what a packed file is read with (opener.ts); undefined for other files
   * @param absent brings what read() is asked for, if the file is not packed
   */
  constructor(
    readonly path: string,
    private readonly packing?: Packing,
    private readonly absent?: AbsentParts,
  ) {
    this.raw = new RawFile(path);
    this.packed = packing && new PackedFile(this.raw, packing);
  }

  /** Of the file as it is stored. @throws ToolError when the file cannot be opened */
  stat(): Stats {
    return this.raw.stat();
  }

  /** Bytes that can be read. */
  get size(): number {
    return this.packed?.size ?? this.raw.stat().size;
  }

  /** @throws InputError when the file is too short or damaged, ToolError when it cannot be read */
  bytes(offset: number, length: number): Buffer {
    if (this.packed === undefined) return this.raw.bytes(offset, length);
    this.checkPacked(offset, length);
    const bytes = Buffer.alloc(length);
    this.packed.readNow(offset, length, bytes, 0);
    return bytes;
  }

  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined {
    if (this.packed === undefined) {
      const coming = this.absent?.bring(this.path, offset, length);
      if (coming === undefined) return this.raw.read(offset, length, target, at);
      return coming.then(() => this.raw.read(offset, length, target, at));
    }
    this.checkPacked(offset, length);
    return this.packed.read(offset, length, target, at);
  }

  /** Checks everything that is stored in a packed file. @throws as bytes */
  async verifyPacked(onBytes: (bytes: number) => void = () => {}): Promise<void> {
    if (this.packed === undefined) return;
    this.checkPacked(0, 0);
    await this.packed.verify(onBytes);
  }

  /**
   * Writes all contents of a packed file to an empty file, which gets holes for zeros.
   *
   * @param target a descriptor
   * @throws as bytes; ToolError when it cannot be written
   */
  async unpackTo(target: number): Promise<void> {
    if (this.packed === undefined) throw new BugError(`${this.path}: is not packed`);
    this.checkPacked(0, 0);
    await this.packed.unpackTo(target);
  }

  /** Never fails: nothing was written, and what was read is complete. */
  close(): void {
    this.raw.close();
    this.isSame = false;
  }

  /** Checks that the file is the one that was looked at, and that a range is in its contents. */
  private checkPacked(offset: number, length: number): void {
    const { front, index, stored } = this.packing!;
    if (!this.isSame) {
      if (this.raw.stat().size !== stored || !this.raw.bytes(0, front.length).equals(front))
        throw new InputError('snapshot', `${this.path}: was replaced while it was being read: try again`);
      this.isSame = true;
    }
    if (offset + length > index.size)
      throw new InputError('snapshot', `${this.path}: truncated at offset ${index.size}`);
  }
}
