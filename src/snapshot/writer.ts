/**
 * Writes a .wsnap file (format.ts) piece by piece: modules, pages, header. At the end it becomes the output at once.
 *
 * Atomic: everything is written to a temporary file, which commit() makes durable and then the output (output.ts).
 * Until then `path` is untouched; abandon() leaves nothing. Page data is never in memory as a whole.
 *
 * A snapshot that is to be compressed or encrypted is first written to a scratch file, and packed from there at the end
 * (packing/packer.ts): by then the process that it was captured from runs on.
 */

import { closeSync, fdatasync, fsync, ftruncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { BugError, WagSnapError, writeFailure } from '../base/errors.js';
import { type Destination, OutputFile, openDestination, writeAt } from '../base/output.js';
import { readAt } from '../base/read-at.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { encodeAnnex } from './annex.js';
import { ANNEX_BLOCK, encodeAnnexBlock } from './annex-block.js';
import { snapshotDigest } from './digest.js';
import { frontOf } from './front.js';
import { encodeHeader, formatNeeded } from './header.js';
import { type PackingForm, packFile } from './packing/packer.js';
import { BLOCK } from './page-blocks.js';
import { digestPages } from './page-digests.js';
import { PageFile, type SendBytes } from './page-file.js';
import { encodePrologue, PACKED_VERSION } from './prologue.js';
import { readersOf } from './readers.js';
import { openScratch, type Scratch } from './scratch.js';
import type { Snapshot } from './snapshot.js';
import { encodeSignature, SIGNATURE_BLOCK } from './trust/signature.js';
import type { SigningKey } from './trust/signing-key.js';

const MODULE_ALIGN = 4096;
/** After this many unwritten bytes, writeback to the disk is started while pages are still being read. */
const WRITEBACK_BYTES = 32 << 20;
/** Milliseconds of work between two looks at what else the thread has to do. */
const SETTLE_AFTER = 10;
const fsyncAsync = promisify(fsync);
const fdatasyncAsync = promisify(fdatasync);

/** How a snapshot's file is written. */
export interface FileForm {
  /** Compressed, encrypted, or both; undefined: neither. */
  readonly packing?: PackingForm | undefined;
  /** Signs the file. */
  readonly signingKey?: SigningKey | undefined;
}

export interface WriterOptions extends FileForm {
  /** Start writeback while pages are still being written, for a file that is waited for. */
  readonly earlyWriteback?: boolean | undefined;
  /** Sends pages and contents of files to another host; only what unsent() returns is written here. */
  readonly send?: SendBytes | undefined;
  /** About how many bytes of pages there will be. */
  readonly expected?: number | undefined;
  /** Called while the file is being packed; may throw to cancel. */
  readonly check?: (() => void) | undefined;
}

/** A range of bytes in a file. */
export interface FileRange {
  readonly offset: number;
  readonly length: number;
}

/** A temporary file with all of a snapshot that was not sent. */
export interface RestOfFile {
  /** A descriptor to read from, which the writer closes. */
  readonly fd: number;
  readonly size: number;
  /** The ranges that were written, in order. */
  readonly written: readonly FileRange[];
}

export class SnapshotWriter {
  /** The output as the user gave it. */
  readonly path: string;
  /** Takes memories and contents of files, after the modules. */
  readonly pages: PageFile;
  private readonly output: OutputFile;
  /** What modules, pages and header are written to: the output itself, or the scratch file. */
  private readonly fd: number;
  /** Where that is, for messages. */
  private readonly place: string;
  private unsynced = 0;
  private syncing: Promise<void> | undefined;
  private syncError: unknown;
  private readonly written: FileRange[] = [];
  private sealed: string | undefined;
  private isScratchClosed = false;

  /** @throws ToolError when the file cannot be created in the directory */
  constructor(
    to: Destination | string,
    private readonly options: WriterOptions = {},
  ) {
    const destination = typeof to === 'string' ? openDestination(to) : to;
    this.path = destination.path;
    // A snapshot holds the guest's memory and environment, so only its owner may read it.
    this.output = new OutputFile(destination, 0o600);
    const scratch = this.openScratch(destination);
    this.fd = scratch?.fd ?? this.output.fd;
    this.place = scratch === undefined ? this.path : `${scratch.folder} (for ${this.path})`;
    this.pages = new PageFile(options.send ?? this.fd, MODULE_ALIGN, this.place, this.noteWritten);
  }

  private openScratch({ file }: Destination): Scratch | undefined {
    const { packing, expected = 0 } = this.options;
    if (packing === undefined) return undefined;
    const secret = this.recipients.length === 0 ? undefined : expected;
    try {
      return openScratch(file === undefined ? tmpdir() : dirname(file), secret);
    } catch (error) {
      this.output.abandon();
      throw error;
    }
  }

  private get recipients(): readonly string[] {
    return this.options.packing?.recipients ?? [];
  }

  /** Adds a module's binary. All modules come before the first page. Returns its file offset. */
  addModule(bytes: Uint8Array): number {
    const offset = this.pages.reserveBytes(bytes.length, MODULE_ALIGN);
    this.writeAll(bytes, offset);
    return offset;
  }

  /**
   * Digests the pages and writes the header. The temporary file then holds the whole snapshot, and commit() does the
   * rest.
   *
   * @param isToStay false for a file that is deleted after it was read, and so never verified
   * @returns size of the file in bytes, holes included
   * @throws ToolError, and what `check` throws; abandon() is still to be called
   */
  async seal(what: Snapshot, isToStay = true): Promise<number> {
    const readers = readersOf(this.recipients, what.parent !== undefined, what.readers);
    const snapshot = isToStay ? { ...what, readers, digests: await this.digests(what) } : { ...what, readers };
    const header = encodeHeader(snapshot);
    const annex = encodeAnnex(snapshot);
    // A difference may be small: alignment to 64 KiB would be most of it.
    const alignment = snapshot.ancestors === undefined ? WASM_PAGE : BLOCK;
    const annexOffset = this.pages.reserveBytes(annex?.length ?? 0, alignment);
    const offset = this.pages.reserveBytes(0, alignment);
    try {
      ftruncateSync(this.fd, offset);
    } catch (error) {
      throw writeError(this.place, error);
    }
    if (annex !== undefined) {
      this.writeAll(annex, annexOffset);
      this.writeAll(encodeAnnexBlock(annexOffset, annex), ANNEX_BLOCK);
    }
    this.writeAll(header, offset);
    this.writeAll(encodePrologue(offset, header, formatNeeded(snapshot)), 0);
    this.sealed = snapshotDigest(this.front(this.fd));
    const size = offset + header.length;
    const { packing, signingKey } = this.options;
    const packed = packing === undefined ? size : await this.pack(size, packing);
    if (signingKey !== undefined)
      this.writeAll(encodeSignature(this.front(this.output.fd), signingKey), SIGNATURE_BLOCK, this.output.fd);
    return packed;
  }

  /** Writes the output from the scratch file. @returns its size */
  private async pack(size: number, form: PackingForm): Promise<number> {
    const { fd } = this.output;
    const onBytes = (bytes: number) => {
      this.options.check?.();
      this.unsynced += bytes;
      if (this.unsynced >= WRITEBACK_BYTES) this.startWriteback();
    };
    this.unsynced = 0;
    try {
      const { headerOffset, header } = await packFile(this.fd, size, fd, form, onBytes);
      this.writeAll(header, headerOffset, fd);
      this.writeAll(encodePrologue(headerOffset, header, PACKED_VERSION), 0, fd);
      return headerOffset + header.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      throw writeError(this.path, error);
    }
  }

  /** Of what seal() has written: what it is known by (digest.ts). */
  get digest(): string {
    if (this.sealed === undefined) throw new BugError('a snapshot that is not sealed has no digest');
    return this.sealed;
  }

  private front(fd: number): Buffer {
    try {
      return frontOf(fd);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /**
   * Reads back what was written: the process that it was read from runs on meanwhile. In this thread, as the kernel still
   * has it all, and the process may need the other processors.
   */
  private async digests({ instances }: Snapshot): Promise<Uint8Array> {
    let settled = performance.now();
    const read = async (offset: number, length: number, target: Buffer, at: number) => {
      readAt(this.fd, target.subarray(at, at + length), offset);
      if (performance.now() - settled < SETTLE_AFTER) return;
      await new Promise((resolve) => setImmediate(resolve));
      settled = performance.now();
    };
    try {
      return await digestPages({ read }, instances);
    } catch (error) {
      throw writeError(this.place, error);
    }
  }

  /** What was not sent. @param size the size that seal() returned */
  unsent(size: number): RestOfFile {
    return { fd: this.fd, size, written: this.written.sort((a, b) => a.offset - b.offset) };
  }

  /**
   * Makes the file durable under its name.
   *
   * @throws ToolError; abandon() is still to be called
   */
  async commit(): Promise<void> {
    try {
      await this.syncing;
      if (this.syncError) throw this.syncError;
      await fsyncAsync(this.output.fd);
      this.closeScratch();
      this.output.commit();
    } catch (error) {
      throw writeError(this.path, error);
    }
    this.output.syncFolder();
  }

  /** Removes the temporary file. Does nothing after commit(). Never fails. */
  abandon(): void {
    this.closeScratch();
    this.output.abandon(this.syncing); // a writeback in progress still uses the descriptor
  }

  private closeScratch(): void {
    if (this.isScratchClosed || this.fd === this.output.fd) return;
    this.isScratchClosed = true;
    try {
      closeSync(this.fd);
    } catch {
      // Nothing of it is wanted any more.
    }
  }

  private readonly noteWritten = (bytes: number): void => {
    this.unsynced += bytes;
    const { earlyWriteback, packing } = this.options;
    if (earlyWriteback && packing === undefined && this.unsynced >= WRITEBACK_BYTES) this.startWriteback();
  };

  private startWriteback(): void {
    if (this.syncing) return;
    this.unsynced = 0;
    this.syncing = fdatasyncAsync(this.output.fd)
      .catch((error) => {
        this.syncError = error; // the kernel reports a lost write only once, so the last fsync would succeed
      })
      .then(() => {
        this.syncing = undefined;
      });
  }

  private writeAll(bytes: Uint8Array, position: number, fd = this.fd): void {
    try {
      writeAt(fd, bytes, position);
      if (this.options.send !== undefined) this.written.push({ offset: position, length: bytes.length });
    } catch (error) {
      throw writeError(fd === this.fd ? this.place : this.path, error);
    }
  }
}

function writeError(path: string, error: unknown): WagSnapError {
  return error instanceof WagSnapError ? error : writeFailure(path, error);
}
