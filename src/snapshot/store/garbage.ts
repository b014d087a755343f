/**
 * What of a store nothing leads to any more.
 *
 * Everything that the index leads to stays, whoever has put it there: documents are searched for digests, whatever else
 * they are. One that cannot be read may lead to anything, so nothing is removed then.
 */

import { statSync } from 'node:fs';
import type { Blobs } from './blobs.js';
import type { BlobDescriptor, Index } from './oci.js';

const DIGEST = /sha256:[0-9a-f]{64}/g;

export interface Collected {
  /** Files that were removed. */
  readonly blobs: number;
  /** That they took on the disk. */
  readonly bytes: number;
}

/**
 * Removes it. Only while the store is locked.
 *
 * @param dryRun only says what would be removed
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
    return []; // of another tool, and no JSON: it has no digests but those that were found
  }
}
