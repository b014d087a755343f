/** Bytes in memory as a source of pages, which may be zeros. */

import type { PageRun, PageSource } from '../../src/snapshot/pages.js';

const PAGE = 65536;

export class BytesSource implements PageSource {
  /** Of each read: offset and length. */
  readonly reads: [number, number][] = [];

  /** @param bytes of whole pages @param isExact whether all of their blocks are to be taken, zeros or not */
  constructor(
    private readonly bytes: Buffer,
    readonly isExact = false,
  ) {}

  *runs(): Generator<PageRun, void> {
    yield { first: 0, blocks: new Uint16Array(this.bytes.length / PAGE).fill(0xffff) };
  }

  read(offset: number, length: number, target: Buffer, at: number): undefined {
    this.reads.push([offset, length]);
    this.bytes.copy(target, at, offset, offset + length);
  }
}
