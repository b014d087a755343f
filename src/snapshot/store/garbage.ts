/**
 * Removes the files of a store that nothing refers to any more.
 *
 * Everything that the index leads to stays, also entries of other tools: documents of any kind are searched for
 * digests. A document that cannot be read may lead to anything, so then nothing is removed.
 */

import { statSync } from 'node:fs';
import type { Blobs } from './blobs.js';
import type { BlobDescriptor, Index } from './oci.js';

const DIGEST = /sha256:[0-9a-f]{64}/g;

export interface Collected {
  /** How many files were removed. */
  readonly blobs: number;
  /** How many bytes they took on the disk. */
  readonly bytes: number;
}

/**
 * Collects the garbage. Only while the store is locked.
 *
 * @param dryRun only tells what would be removed
 * @throws InputError, ToolError for a document that cannot be read; nothing was removed then
 */
export function collectGarbage(index: Index, blobs: Blobs, dryRun = false): Collected {
  const kept = reachable(index, blobs);
  const garbage = blobs.list().filter((digest) => !kept.has(digest));
  let bytes = 0;
  for (const digest of garbage) {
    bytes += (statSync(blobs.pathOf(digest), { throwIfNoEntry: false })?.blocks ?? 0) * 512;
    if (!dryRun) blobs.remove(digest);
  }
  if (!dryRun) blobs.removeLeftOvers();
  return { blobs: garbage.length, bytes };
}

function reachable({ manifests }: Index, blobs: Blobs): Set<string> {
  const found = new Set<string>();
  const searched = new Set<string>();
  const documents: BlobDescriptor[] = [...manifests];
  for (let document = documents.pop(); document !== undefined; document = documents.pop()) {
    found.add(document.digest);
    if (searched.has(document.digest)) continue;
    searched.add(document.digest);
    const text = blobs.document(document);
    for (const [digest] of text.matchAll(DIGEST)) found.add(digest);
    documents.push(...nested(text));
  }
  return found;
}

/** Documents that an index of indexes leads to. */
function nested(text: string): BlobDescriptor[] {
  try {
    const { manifests } = JSON.parse(text) as { manifests?: unknown };
    if (!Array.isArray(manifests)) return [];
    return manifests.filter((one) => typeof one?.digest === 'string' && typeof one.size === 'number');
  } catch {
    return []; // of another tool, and no JSON: it has only the digests that were found
  }
}
