/** A memory of a process as a source of pages: those that were ever touched, or that were written. */

import { WASM_PAGE } from '../image/contract/sizes.js';
import type { PageRun, PageSource } from '../snapshot/pages.js';
import type { NativeMemory } from './instance-state.js';
import type { ProcessMemory } from './process-memory.js';

/** A shorter read is faster on this thread than on the pool. */
const POOL_BYTES = 65536;

export class LiveMemory implements PageSource {
  /** Blocks may be zeros, touched or not. */
  readonly isExact = false;

  /**
   * @param touched of each page: bit n set when block n may have something in it (pagemap.ts)
   * @param settle to read one by one (PageSource): lets signals in now and then; may throw
   */
  constructor(
    private readonly process: ProcessMemory,
    private readonly memory: NativeMemory,
    private readonly touched: Uint16Array,
    private readonly settle?: (() => Promise<void>) | undefined,
  ) {}

  get isOneByOne(): boolean {
    return this.settle !== undefined;
  }

  /** The length of all runs in bytes. */
  get size(): number {
    let pages = 0;
    for (const blocks of this.touched) if (blocks !== 0) pages++;
    return pages * WASM_PAGE;
  }

  runs(): Generator<PageRun, void> {
    return touchedRuns(this.touched);
  }

  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined {
    const address = this.memory.address + offset;
    if (length >= POOL_BYTES && !this.isOneByOne) return this.process.readAsync(address, length, target, at);
    this.process.read(address, length, target, at);
    return this.settle?.();
  }
}

/** Runs of consecutive pages that have touched blocks. */
export function* touchedRuns(touched: Uint16Array): Generator<PageRun, void> {
  for (let page = 0; page < touched.length; ) {
    if (touched[page] === 0) {
      page++;
      continue;
    }
    const first = page;
    while (page < touched.length && touched[page] !== 0) page++;
    yield { first, blocks: touched.subarray(first, page) };
  }
}
