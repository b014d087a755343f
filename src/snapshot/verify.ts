/**
 * Checks every byte of a snapshot that a digest covers: header, annex, modules, contents of files, and pages, in its
 * own file and those of its ancestors. Also checks that blocks that it has in an ancestor's file are stored there.
 *
 * restore maps pages without reading them, so only this check finds a page that has changed on the disk.
 */

import { InputError } from '../base/errors.js';
import { checkContents } from './file-contents.js';
import { readSnapshot, readSnapshotModule } from './format.js';
import { checkPages, pageDigests } from './page-digests.js';
import type { SnapshotInstance, StoredSnapshot } from './snapshot.js';
import { SnapshotFile } from './snapshot-file.js';
import { storedBytes, storedRuns } from './stored-runs.js';

export interface VerifiedFile {
  readonly path: string;
  readonly digest: string;
  /** Bytes of pages that were checked. */
  readonly pageBytes: number;
  /** False: an earlier wag-snap wrote no digests of its pages, so nothing tells whether they have changed. */
  readonly hasDigests: boolean;
}

/**
 * @param stored a snapshot whose ancestors have been found
 * @param onProgress gets the bytes of pages checked, and the total; may throw to cancel
 * @returns all files, the snapshot's own first
 * @throws InputError for the first file that differs from what was captured
 */
export async function verifySnapshot(
  stored: StoredSnapshot,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<VerifiedFile[]> {
  const { snapshot, path, ancestors = [] } = stored;
  const wanted = [stored.digest, ...(snapshot.ancestors ?? []).map(({ digest }) => digest)];
  const files = [stored, ...ancestors].map(({ path: name, packing }, i) => {
    const read = readSnapshot(name, packing);
    if (read.digest !== wanted[i]) throw new InputError('snapshot', `${name}: was replaced while it was being read`);
    return read;
  });
  for (const [i, file] of files.slice(1).entries()) checkStored(snapshot.instances, i + 1, file, path);
  const sizes = files.map(({ snapshot: { instances } }) => storedBytes(instances));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let done = 0;
  const verified: VerifiedFile[] = [];
  for (const [i, file] of files.entries()) {
    const hasDigests = await verifyFile(file, (bytes) => {
      done += bytes;
      onProgress(done, total);
    });
    verified.push({ path: file.path, digest: file.digest ?? '', pageBytes: hasDigests ? sizes[i] : 0, hasDigests });
  }
  return verified;
}

/** Checks what is in the file itself. @returns whether its pages have digests */
async function verifyFile(stored: StoredSnapshot, onBytes: (bytes: number) => void): Promise<boolean> {
  const { snapshot, path, packing } = stored;
  for (const module of snapshot.modules) if (!module.file) readSnapshotModule(stored, module);
  const file = new SnapshotFile(path, packing);
  try {
    await file.verifyPacked();
    await checkContents(file, snapshot.host.descriptors);
    const digests = pageDigests(snapshot);
    if (digests === undefined) return false;
    await checkPages(file, snapshot.instances, digests, onBytes);
    return true;
  } finally {
    file.close();
  }
}

/** Checks that every block that a snapshot has in an ancestor's file is stored there. */
function checkStored(
  instances: readonly SnapshotInstance[],
  number: number,
  ancestor: StoredSnapshot,
  path: string,
): void {
  const stored = sorted(storedRuns(ancestor.snapshot.instances, 0));
  let at = 0;
  for (const { fileOffset, bytes } of sorted(storedRuns(instances, number))) {
    while (at < stored.length && stored[at].fileOffset + stored[at].bytes <= fileOffset) at++;
    let end = at < stored.length && stored[at].fileOffset <= fileOffset ? stored[at].fileOffset + stored[at].bytes : 0;
    while (end > 0 && end < fileOffset + bytes && stored[at + 1]?.fileOffset === end) end += stored[++at].bytes;
    if (end >= fileOffset + bytes) continue;
    throw new InputError(
      'snapshot',
      `${path}: says that a page is in ${ancestor.path} at offset ${fileOffset}, which has none there`,
    );
  }
}

function sorted<T extends { readonly fileOffset: number }>(runs: Iterable<T>): T[] {
  return Array.from(runs).sort((a, b) => a.fileOffset - b.fileOffset);
}
