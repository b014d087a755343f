/**
 * Where a restored process finds what the snapshot has of memories and files: in the image, or in the snapshot itself.
 */

import type { ChainFiles } from '../snapshot/chain-files.js';
import { groupContents, type SharedContents } from '../snapshot/file-contents.js';
import type { Descriptor } from '../snapshot/host.js';
import type { PageSink } from '../snapshot/pages.js';
import type { Extent, Snapshot } from '../snapshot/snapshot.js';
import { StoredContents, StoredMemory } from '../snapshot/stored-pages.js';

export interface PlacedData {
  /** Of each memory, instance by instance: where its pages are. */
  readonly extents: readonly (readonly Extent[])[];
  /** The files that have no name, as they are placed now. */
  readonly files: readonly SharedContents[];
}

/**
 * Gives all pages, and then the contents of files, to a sink.
 *
 * @param onProgress bytes of pages done, of how many; not called where none is copied
 * @throws InputError, ToolError
 */
export async function placeData(
  files: ChainFiles,
  { instances }: Snapshot,
  descriptors: readonly Descriptor[],
  sink: PageSink,
  onProgress?: (done: number, total: number) => void,
): Promise<PlacedData> {
  const memories = instances.flatMap((instance) => instance.memories.map((memory) => new StoredMemory(files, memory)));
  const total = memories.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const onBytes = (bytes: number) => {
    done += bytes;
    onProgress?.(done, total);
  };
  const extents: (readonly Extent[])[] = [];
  for (const memory of memories) extents.push((await sink.takePages(memory, onBytes)).extents);
  const contentFiles: SharedContents[] = [];
  for (const { contents, fds } of groupContents(descriptors)) {
    const fileOffset = await sink.takeContents(new StoredContents(files.own, contents), contents.size);
    contentFiles.push({ contents: { ...contents, fileOffset }, fds });
  }
  return { extents, files: contentFiles };
}
