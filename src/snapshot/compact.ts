/** Writes a snapshot, with all that it needs of its ancestors, as one file that needs no other. */

import type { Destination } from '../base/output.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { ChainFiles } from './chain-files.js';
import { groupContents } from './file-contents.js';
import { readSnapshotModule } from './format.js';
import type { FileContents, Host } from './host.js';
import type { PageFile } from './page-file.js';
import type { SnapshotInstance, SnapshotModule, StoredSnapshot } from './snapshot.js';
import { StoredContents, StoredMemory } from './stored-pages.js';
import { type FileForm, SnapshotWriter } from './writer.js';

/**
 * Copies the contents of the files, which have been verified (verify.ts). The new file is another snapshot: differences
 * to the old one still need the old one.
 *
 * @param stored a snapshot whose ancestors have been found
 * @param onProgress gets the bytes of pages copied, and the total; may throw to cancel, and nothing is left then
 * @param form how the new file is written; `check` as for SnapshotWriter
 * @returns size of the new file in bytes, holes included
 * @throws InputError, ToolError
 */
export async function compactSnapshot(
  stored: StoredSnapshot,
  output: Destination | string,
  onProgress: (done: number, total: number) => void = () => {},
  form: FileForm & { readonly check?: (() => void) | undefined } = {},
): Promise<number> {
  const { parent: _parent, ancestors: _ancestors, ...snapshot } = stored.snapshot;
  const expected = stored.snapshot.instances
    .flatMap(({ memories }) => memories)
    .reduce((sum, { blocks }) => sum + blocks.length * WASM_PAGE, 0);
  const writer = new SnapshotWriter(output, { ...form, earlyWriteback: true, expected });
  const files = new ChainFiles(stored);
  try {
    const modules = snapshot.modules.map((module) => copyModule(stored, module, writer));
    const instances = await copyMemories(snapshot.instances, files, writer.pages, onProgress);
    const host = await copyContents(snapshot.host, files, writer.pages);
    const bytes = await writer.seal({ ...snapshot, parent: undefined, modules, instances, host });
    await writer.commit();
    return bytes;
  } finally {
    writer.abandon();
    files.close();
  }
}

function copyModule(stored: StoredSnapshot, module: SnapshotModule, writer: SnapshotWriter): SnapshotModule {
  const bytes = readSnapshotModule(stored, module);
  const { name, sha256, size } = module;
  return { name, sha256, size, fileOffset: bytes && writer.addModule(bytes) };
}

async function copyMemories(
  instances: readonly SnapshotInstance[],
  files: ChainFiles,
  pages: PageFile,
  onProgress: (done: number, total: number) => void,
): Promise<SnapshotInstance[]> {
  const all = instances.map(({ memories }) => memories.map((memory) => new StoredMemory(files, memory)));
  const total = all.flat().reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    onProgress(done, total);
  };
  const copied: SnapshotInstance[] = [];
  for (const [i, instance] of instances.entries()) {
    const memories = [];
    for (const [k, memory] of instance.memories.entries()) {
      memories.push({ ...memory, ...(await pages.takePages(all[i][k], onBytes)) });
    }
    copied.push({ ...instance, memories });
  }
  return copied;
}

async function copyContents(host: Host, files: ChainFiles, pages: PageFile): Promise<Host> {
  const copies = new Map<FileContents, FileContents>(); // descriptors of one file share an object
  for (const { contents } of groupContents(host.descriptors)) {
    const fileOffset = await pages.takeContents(new StoredContents(files.own, contents), contents.size);
    copies.set(contents, { ...contents, fileOffset });
  }
  const descriptors = host.descriptors.map((descriptor) => {
    const { contents } = descriptor;
    return contents === undefined ? descriptor : { ...descriptor, contents: copies.get(contents) };
  });
  return { ...host, descriptors };
}
