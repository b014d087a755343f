/**
 * A snapshot's files that are in a registry: local files of their size, in which each part appears when it is needed.
 *
 *     file     | start, module, ... | span | span | span | ... | annex, header |
 *     there    | at once            | when a page of it is read | at once       |
 *
 * Only a whole blob has a digest in the registry. But a snapshot's header has one of each span of its pages
 * (page-digests.ts), and the files' own digest covers the header. So each span is checked when it comes, and nothing is
 * used that is not what was captured.
 */

import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { InputError, writeFailure } from '../base/errors.js';
import { ANNEX_BLOCK, ANNEX_BLOCK_SIZE, decodeAnnexBlock } from '../snapshot/annex-block.js';
import { readSnapshot } from '../snapshot/format.js';
import { DIGEST_SIZE, pageDigests, spansOf } from '../snapshot/page-digests.js';
import { decodePrologue, PACKED_VERSION, PROLOGUE_SIZE } from '../snapshot/prologue.js';
import type { AbsentParts, StoredSnapshot } from '../snapshot/snapshot.js';
import type { StoredRun } from '../snapshot/stored-runs.js';
import type { RemoteBlob } from '../transport/registry/blob.js';
import type { RegistryClient } from '../transport/registry/client.js';

/** Bytes at the start of a file that come at once: a small module is among them. */
const START = 1 << 16;
/** Bytes of one request. */
const PIECE = 4 << 20;
/** How many spans after the one that is needed are fetched with it. */
const AHEAD = 3;

interface Span {
  readonly from: number;
  readonly to: number;
  readonly runs: readonly StoredRun[];
  readonly digest: Buffer;
  state: 'absent' | 'there' | Promise<void>;
}

/** One file. */
export class RemoteFile {
  private readonly fd: number;
  /** In the order of their places. */
  private spans: Span[] = [];
  /** Ranges that are there and checked otherwise: by hashes of what they contain. */
  private readonly plain: [from: number, to: number][] = [];
  private isClosed = false;

  /** @param path of a new file. @throws ToolError */
  constructor(
    private readonly client: RegistryClient,
    private readonly blob: RemoteBlob,
    readonly path: string,
  ) {
    try {
      this.fd = openSync(path, 'wx', 0o600);
      ftruncateSync(this.fd, blob.size);
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /**
   * Fetches what says what is in the file.
   *
   * @returns false for a packed file, whose parts are not those of its contents
   */
  async begin(): Promise<boolean> {
    const { size } = this.blob;
    const start = await this.fetch(0, Math.min(START, size));
    const { version, headerOffset } = decodePrologue(start.subarray(0, PROLOGUE_SIZE), size, this.path);
    if (version === PACKED_VERSION) return false;
    const block = start.subarray(ANNEX_BLOCK, ANNEX_BLOCK + ANNEX_BLOCK_SIZE);
    const annex = block.length < ANNEX_BLOCK_SIZE ? undefined : decodeAnnexBlock(block, headerOffset, this.path);
    if (annex !== undefined) await this.bringPlain(annex.offset, annex.offset + annex.size);
    await this.bringPlain(headerOffset, size);
    return true;
  }

  /** Reads what has come. @returns undefined when an early version has written no digests of pages */
  look(): StoredSnapshot | undefined {
    const stored = readSnapshot(this.path);
    const digests = pageDigests(stored.snapshot);
    if (digests === undefined) return undefined;
    let at = 0;
    for (const runs of spansOf(stored.snapshot.instances)) {
      const digest = Buffer.from(digests.subarray(at, (at += DIGEST_SIZE)));
      const last = runs.at(-1);
      if (last === undefined) continue;
      this.spans.push({ from: runs[0].fileOffset, to: last.fileOffset + last.bytes, runs, digest, state: 'absent' });
    }
    this.spans.sort((a, b) => a.from - b.from);
    return stored;
  }

  /** Fetches a range whose contents have a hash of their own, which its reader checks. */
  async bringPlain(from: number, to: number): Promise<void> {
    for (let at = from; at < to; at += PIECE) await this.fetch(at, Math.min(to, at + PIECE));
    this.plain.push([from, to]);
  }

  bring(offset: number, length: number): Promise<void> | undefined {
    const end = offset + length;
    const first = this.firstAfter(offset);
    const wanted: Promise<void>[] = [];
    let covered = offset;
    let n = first;
    for (; n < this.spans.length && this.spans[n].from < end; n++) {
      const span = this.spans[n];
      if (span.from <= covered) covered = Math.max(covered, span.to);
      const coming = this.bringSpan(span);
      if (coming !== undefined) wanted.push(coming);
    }
    if (covered < end && !this.plain.some(([from, to]) => from <= offset && to >= end)) {
      throw new InputError('snapshot', `${this.path}: a page is said to be at offset ${offset}, where none is`);
    }
    if (wanted.length === 0) return undefined;
    // what fails ahead is tried again when it is needed
    for (const span of this.spans.slice(n, n + AHEAD)) void this.bringSpan(span)?.catch(() => {});
    return Promise.all(wanted).then(() => {});
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    closeSync(this.fd);
  }

  /** Index of the first span that ends after an offset. */
  private firstAfter(offset: number): number {
    let low = 0;
    for (let high = this.spans.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.spans[middle].to <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private bringSpan(span: Span): Promise<void> | undefined {
    if (span.state === 'there') return undefined;
    if (span.state !== 'absent') return span.state;
    const coming = this.fetchSpan(span);
    span.state = coming;
    coming.then(
      () => {
        span.state = 'there';
      },
      () => {
        span.state = 'absent';
      },
    );
    return coming;
  }

  private async fetchSpan({ from, to, runs, digest }: Span): Promise<void> {
    const bytes = await this.client.range(this.blob, from, to);
    const hash = createHash('sha256');
    for (const run of runs) hash.update(bytes.subarray(run.fileOffset - from, run.fileOffset - from + run.bytes));
    if (!hash.digest().equals(digest)) {
      throw new InputError(
        'snapshot',
        `${this.path}: damaged: the registry sends other pages at offset ${from} than were captured`,
      );
    }
    for (const run of runs) this.write(bytes, run.fileOffset - from, run.bytes, run.fileOffset);
  }

  private async fetch(from: number, to: number): Promise<Buffer> {
    const bytes = await this.client.range(this.blob, from, to);
    this.write(bytes, 0, bytes.length, from);
    return bytes;
  }

  private write(bytes: Buffer, at: number, length: number, position: number): void {
    if (this.isClosed) return; // nobody needs it any more
    try {
      for (let done = 0; done < length; ) {
        done += writeSync(this.fd, bytes, at + done, length - done, position + done);
      }
    } catch (error) {
      throw writeFailure(this.path, error);
    }
  }
}

/** All files of one snapshot. */
export class RemoteFiles implements AbsentParts {
  private isClosed = false;

  /** @param onClose called once, when nothing more is needed */
  constructor(
    private readonly files: ReadonlyMap<string, RemoteFile>,
    private readonly onClose: () => void,
  ) {}

  bring(path: string, offset: number, length: number): Promise<void> | undefined {
    return this.files.get(path)?.bring(offset, length);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const file of this.files.values()) file.close();
    this.onClose();
  }
}
