/**
 * A page sink that writes to a file: a snapshot, or an image that carries its pages itself. Space is allocated from
 * front to back. Blocks of zeros are holes of a sparse file. The file may be one of another host, to which bytes are sent.
 */

import { write, writeSync } from 'node:fs';
import { writeFailure } from '../base/errors.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { ChangingMemory } from './changing-memory.js';
import { CHUNK_PAGES } from './chunk-buffers.js';
import { BLOCK, BLOCKS_PER_PAGE, usedBlocks } from './page-blocks.js';
import { type PageRoom, streamPages } from './page-stream.js';
import type { ByteSource, ChangingPages, LivePageSink, OnBytes, PageSource, PlacedPages } from './pages.js';

const ALL_BLOCKS = 0xffff;
/** A shorter write is faster on this thread than on the pool. */
const POOL_BYTES = 65536;
/** Chunks on their way to another host at a time: one is sent, the others are read, and may be compressed. */
const SENT_LANES = 4;

/** Takes bytes of a file on another host; they may change when it has resolved. @throws what sending them throws */
export type SendBytes = (bytes: Uint8Array, fileOffset: number) => Promise<void>;

export class PageFile implements LivePageSink, PageRoom {
  /**
   * @param to the file; stays open: the caller closes it. Or sends to it
   * @param end the file offset from which on space is free
   * @param path for messages
   * @param onWritten called with each piece that was written: its bytes and its place
   */
  constructor(
    private readonly to: number | SendBytes,
    public end: number,
    private readonly path: string,
    private readonly onWritten?: (bytes: number, fileOffset: number) => void,
  ) {}

  get lanes(): number | undefined {
    return typeof this.to === 'number' ? undefined : SENT_LANES;
  }

  takePages(source: PageSource, onBytes: OnBytes = () => {}): Promise<PlacedPages> {
    return streamPages(source, this, onBytes);
  }

  openMemory(): ChangingPages {
    return new ChangingMemory(this);
  }

  async takeContents(source: ByteSource, size: number, onBytes: OnBytes = () => {}): Promise<number> {
    const start = this.reserve(Math.ceil(size / WASM_PAGE));
    const bytes = Buffer.from(new ArrayBuffer(Math.min(CHUNK_PAGES, Math.ceil(size / WASM_PAGE)) * WASM_PAGE));
    const words = new Int32Array(bytes.buffer);
    for (let at = 0; at < size; at += bytes.length) {
      const length = Math.min(size - at, bytes.length);
      bytes.fill(0, length);
      await source.read(at, length, bytes, 0);
      const blocks = new Uint16Array(Math.ceil(length / WASM_PAGE));
      for (let page = 0; page < blocks.length; page++) {
        blocks[page] = usedBlocks(bytes, words, page * WASM_PAGE, ALL_BLOCKS);
      }
      await this.write(bytes, 0, start + at, blocks);
      onBytes(length);
    }
    return start;
  }

  reserve(pages: number): number {
    return this.reserveBytes(pages * WASM_PAGE, WASM_PAGE);
  }

  /** Allocates space for something else than pages. @param align of the file offset, which is returned */
  reserveBytes(bytes: number, align: number): number {
    const offset = Math.ceil(this.end / align) * align;
    this.end = offset + bytes;
    return offset;
  }

  /** Writes blocks, in as few calls as possible. */
  async write(bytes: Buffer, at: number, fileOffset: number, blocks: Uint16Array, isAtOnce = false): Promise<void> {
    const count = blocks.length * BLOCKS_PER_PAGE;
    let start = -1;
    for (let n = 0; n <= count; n++) {
      const used = n < count && (blocks[n >> 4] & (1 << (n & 15))) !== 0;
      if (used && start < 0) start = n;
      if (used || start < 0) continue;
      await this.writeRun(bytes, at + start * BLOCK, (n - start) * BLOCK, fileOffset + start * BLOCK, isAtOnce);
      start = -1;
    }
  }

  /** Writes bytes as they are. */
  writeBytes(bytes: Buffer, at: number, length: number, fileOffset: number, isAtOnce = false): Promise<void> {
    return this.writeRun(bytes, at, length, fileOffset, isAtOnce);
  }

  private async writeRun(
    bytes: Buffer,
    at: number,
    length: number,
    position: number,
    isAtOnce: boolean,
  ): Promise<void> {
    const { to } = this;
    if (typeof to !== 'number') return to(bytes.subarray(at, at + length), position);
    while (length > 0) {
      let wrote: number;
      try {
        const pending = isAtOnce || length < POOL_BYTES ? writeSync : writeAsync;
        wrote = await pending(to, bytes, at, length, position);
      } catch (error) {
        throw writeFailure(this.path, error);
      }
      this.onWritten?.(wrote, position);
      at += wrote;
      position += wrote;
      length -= wrote;
    }
  }
}

function writeAsync(fd: number, bytes: Buffer, at: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, length, position, (error, wrote) => (error ? reject(error) : resolve(wrote)));
  });
}
