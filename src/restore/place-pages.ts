/**
 * Decides where a restored process finds the pages of memories and the contents of files: in the image, or in the
 * snapshot.
 */

import type { ChainFiles } from '../snapshot/chain-files.js';
import { groupContents, type SharedContents } from '../snapshot/file-contents.js';
import type { Descriptor } from '../snapshot/host.js';
import type { PageSink } from '../snapshot/pages.js';
import type { Extent, Snapshot } from '../snapshot/snapshot.js';
import { StoredContents, StoredMemory } from '../snapshot/stored-pages.js';

export interface PlacedData {
  /** The places of each memory's pages, instance by instance. */
  readonly extents: readonly (readonly Extent[])[];
  /** The unlinked files, with their new places. */
  readonly files: readonly SharedContents[];
}

/**
 * Passes all pages, then the contents of files, to a sink.
 *
 * @param onProgress gets the bytes of pages done, and the total; not called when nothing is copied
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
