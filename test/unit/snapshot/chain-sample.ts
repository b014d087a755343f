/** Snapshots that are differences to one another, written from memories in this process. */

import { ChainFiles } from '../../../src/snapshot/chain-files.js';
import { Difference } from '../../../src/snapshot/difference.js';
import type { ChangingPages, PageSource } from '../../../src/snapshot/pages.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { StoredMemory } from '../../../src/snapshot/stored-pages.js';
import { type FileForm, SnapshotWriter } from '../../../src/snapshot/writer.js';
import { BytesSource } from '../../support/bytes-source.js';
import { MODULE_BYTES, sampleSnapshot } from './sample.js';

const WASM_PAGE = 65536;

/** Takes those blocks of the memory that are set in the masks of its pages. */
type Take = (masks: readonly number[]) => Promise<void>;

/**
 * Writes a snapshot of one memory, complete or as a difference.
 *
 * @param change changes the memory after all of it was taken, and has it taken again
 * @param begin takes all of the memory
 * @param form how the file is written
 */
export async function writeGeneration(
  path: string,
  memory: Buffer,
  parent?: StoredSnapshot,
  change: (take: Take) => Promise<void> = async () => {},
  begin = (taken: ChangingPages, source: PageSource) => taken.take(source),
  form: FileForm = {},
): Promise<void> {
  const plain = sampleSnapshot([], undefined);
  const difference = parent && new Difference(parent, [plain.modules[0].sha256]);
  const writer = new SnapshotWriter(path, form);
  try {
    const place = difference?.module(0) ?? { fileOffset: writer.addModule(MODULE_BYTES) };
    const modules = [{ ...plain.modules[0], ...place }];
    const pages = memory.length / WASM_PAGE;
    const sink = difference?.sink(writer.pages) ?? writer.pages;
    const taken = sink.openMemory();
    const source = new BytesSource(memory);
    await begin(taken, source);
    await change((masks) =>
      taken.take({
        ...source,
        isExact: false,
        read: source.read.bind(source),
        runs: () => [{ first: 0, blocks: Uint16Array.from(masks) }],
      }),
    );
    const placed = taken.placed();
    const instances = [{ ...plain.instances[0], memories: [{ pages, maxPages: 65536, ...placed }] }];
    await writer.seal({ ...plain, modules, instances, ...difference?.lineage(instances, modules) });
    await writer.commit();
  } finally {
    writer.abandon();
    difference?.close();
  }
}

/** The contents of memory 0 of instance 0, whichever files they are in. */
export async function readMemory(stored: StoredSnapshot): Promise<Buffer> {
  const [memory] = stored.snapshot.instances[0].memories;
  const files = new ChainFiles(stored);
  const source = new StoredMemory(files, memory);
  const bytes = Buffer.alloc(memory.pages * WASM_PAGE);
  for (const { first, blocks } of source.runs()) {
    for (const [page, mask] of blocks.entries()) {
      for (let n = 0; n < 16; n++) {
        if ((mask & (1 << n)) === 0) continue;
        const at = (first + page) * WASM_PAGE + n * 4096;
        await source.read(at, 4096, bytes, at);
      }
    }
  }
  files.close();
  return bytes;
}
