/**
 * Writes a .wsnap file (format.ts) piece by piece: modules, pages, header, and then all of it at once becomes the file.
 *
 * Atomic: everything goes to a temporary file, which commit() makes durable and then the output (output.ts). Until then
 * `path` is untouched; after abandon() nothing is left. Page data is never held: memory use is the callers' buffers.
 */

import { fdatasync, fsync, ftruncateSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { WagSnapError, writeFailure } from '../base/errors.js';
import { type Destination, OutputFile, openDestination, writeAt } from '../base/output.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { encodeAnnex } from './annex.js';
import { ANNEX_BLOCK, encodeAnnexBlock } from './annex-block.js';
import { encodeHeader, formatNeeded } from './header.js';
import { BLOCK, BLOCKS_PER_PAGE } from './page-blocks.js';
import { encodePrologue } from './prologue.js';
import type { Extent, Snapshot } from './snapshot.js';

const MODULE_ALIGN = 4096;
/** Unwritten bytes after which the disk is set to work while pages are still being read. */
const WRITEBACK_BYTES = 32 << 20;
const fsyncAsync = promisify(fsync);
const fdatasyncAsync = promisify(fdatasync);

export class SnapshotWriter {
  /** As the user gave it. */
  readonly path: string;
  private readonly output: OutputFile;
  private readonly fd: number;
  private moduleEnd = MODULE_ALIGN;
  private nextSlot = 0;
  private unsynced = 0;
  private syncing: Promise<void> | undefined;
  private syncError: unknown;
  /** Bytes of page data so far, holes left out. */
  written = 0;

  /**
   * @param earlyWriteback set the disk to work while pages are still being written: for a file that is waited for
   * @throws ToolError when the directory does not take the file
   */
  constructor(
    to: Destination | string,
    private readonly earlyWriteback = false,
  ) {
    const destination = typeof to === 'string' ? openDestination(to) : to;
    this.path = destination.path;
    // A snapshot holds all of the guest's memory and environment: not for others to read.
    this.output = new OutputFile(destination, 0o600);
    this.fd = this.output.fd;
  }

  /** Adds a module's binary; all come before the first page. Returns its file offset. */
  addModule(bytes: Uint8Array): number {
    const offset = this.moduleEnd;
    this.writeAll(bytes, offset);
    this.moduleEnd = roundUp(offset + bytes.length, MODULE_ALIGN);
    return offset;
  }

  /** Reserves the next slots, for `count` pages. Returns the file offset. */
  takeSlots(count: number): number {
    if (this.nextSlot === 0) this.nextSlot = Math.ceil(this.moduleEnd / WASM_PAGE);
    const slot = this.nextSlot;
    this.nextSlot += count;
    return slot * WASM_PAGE;
  }

  /**
   * Writes the used blocks of some pages, which lie one after the other in `bytes` as they do in the file, in as few
   * writes as possible.
   *
   * @param at byte offset of the first page in `bytes`
   * @param blocks of each page: bit n set when block n is used
   */
  async writePages(bytes: Buffer, at: number, fileOffset: number, blocks: Uint16Array): Promise<void> {
    const count = blocks.length * BLOCKS_PER_PAGE;
    let start = -1;
    for (let n = 0; n <= count; n++) {
      const used = n < count && (blocks[n >> 4] & (1 << (n & 15))) !== 0;
      if (used && start < 0) start = n;
      if (used || start < 0) continue;
      await this.writeRun(bytes, at + start * BLOCK, (n - start) * BLOCK, fileOffset + start * BLOCK);
      start = -1;
    }
    if (this.earlyWriteback && this.unsynced >= WRITEBACK_BYTES) this.startWriteback();
  }

  /**
   * Writes the header: all of the snapshot is in the temporary file then, and commit() does the rest.
   *
   * @returns bytes of the file, holes included
   * @throws ToolError; then abandon() still has to be called
   */
  seal(snapshot: Snapshot): number {
    const header = encodeHeader(snapshot);
    const annex = encodeAnnex(snapshot);
    const annexOffset = this.takeSlots(annex ? Math.ceil(annex.length / WASM_PAGE) : 0);
    const offset = this.takeSlots(0);
    try {
      ftruncateSync(this.fd, offset);
    } catch (error) {
      throw writeError(this.path, error);
    }
    if (annex !== undefined) {
      this.writeAll(annex, annexOffset);
      this.writeAll(encodeAnnexBlock(annexOffset, annex), ANNEX_BLOCK);
    }
    this.writeAll(header, offset);
    this.writeAll(encodePrologue(offset, header, formatNeeded(snapshot)), 0);
    return offset + header.length;
  }

  /**
   * Makes the file durable under its name.
   *
   * @throws ToolError; then abandon() still has to be called
   */
  async commit(): Promise<void> {
    try {
      await this.syncing;
      if (this.syncError) throw this.syncError;
      await fsyncAsync(this.fd);
      this.output.commit();
    } catch (error) {
      throw writeError(this.path, error);
    }
    this.output.syncFolder();
  }

  /** Removes the temporary file; does nothing after commit(). Never fails. */
  abandon(): void {
    this.output.abandon(this.syncing); // a writeback under way still uses the descriptor
  }

  private startWriteback(): void {
    if (this.syncing) return;
    this.unsynced = 0;
    this.syncing = fdatasyncAsync(this.fd)
      .catch((error) => {
        this.syncError = error; // the kernel reports a lost write once: the last fsync would succeed
      })
      .then(() => {
        this.syncing = undefined;
      });
  }

  private async writeRun(bytes: Buffer, at: number, length: number, position: number): Promise<void> {
    while (length > 0) {
      const wrote = await writeAsync(this.fd, bytes, at, length, position).catch((error) => {
        throw writeError(this.path, error);
      });
      at += wrote;
      position += wrote;
      length -= wrote;
      this.written += wrote;
      this.unsynced += wrote;
    }
  }

  private writeAll(bytes: Uint8Array, position: number): void {
    try {
      writeAt(this.fd, bytes, position);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }
}

/** Appends pages to a memory's extents: after the last extent when memory and file both continue there. */
export function appendExtent(extents: Extent[], offset: number, fileOffset: number, bytes: number): void {
  const last = extents.at(-1);
  if (last && last.offset + last.bytes === offset && last.fileOffset + last.bytes === fileOffset) {
    extents[extents.length - 1] = { ...last, bytes: last.bytes + bytes };
  } else {
    extents.push({ offset, fileOffset, bytes });
  }
}

function writeAsync(fd: number, bytes: Buffer, at: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, length, position, (error, wrote) => (error ? reject(error) : resolve(wrote)));
  });
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

function writeError(path: string, error: unknown): WagSnapError {
  return error instanceof WagSnapError ? error : writeFailure(path, error);
}
