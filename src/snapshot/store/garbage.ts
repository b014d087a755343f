/**
 * Removes the files of a store that nothing refers to any more.
 *
 * Everything that the index leads to stays, also entries of other tools: documents of any kind are searched for
 * digests. A document that cannot be read may lead to anything, so then nothing is removed.
 */

import { InputError } from '../../base/errors.js';
import { type Blobs, DOCUMENT_MAX } from './blobs.js';
import { readFacts } from './facts.js';
import { type BlobDescriptor, descriptor, type Index, REFERENCE } from './oci.js';

const DIGEST = /sha256:[0-9a-f]{64}/g;

export interface Collected {
  /** How many files were removed. */
  readonly blobs: number;
  /** How many bytes they took on the disk. */
  readonly bytes: number;
}

/**
 * Removes all files but those that are kept, and those that another tool may be adding. Only while the store is locked.
 *
 * @param kept as reachable() finds them
 * @param before those that were reachable before: what has become garbage just now is no other tool's
 * @param dryRun only tells what would be removed
 */
export function collectGarbage(
  kept: ReadonlySet<string>,
  before: ReadonlySet<string>,
  blobs: Blobs,
  dryRun = false,
): Collected {
  const garbage = blobs
    .list()
    .filter((digest) => !kept.has(digest) && (before.has(digest) || !blobs.mayBeForeign(digest)));
  let bytes = 0;
  for (const digest of garbage) {
    bytes += blobs.bytesOnDisk(digest);
    if (!dryRun) blobs.remove(digest);
  }
  return { blobs: garbage.length, bytes };
}

/**
 * The digests of all files that an index leads to.
 *
 * @throws InputError, ToolError for a document that cannot be read
 */
export function reachable({ manifests }: Index, blobs: Blobs): Set<string> {
  const found = new Set<string>();
  const searched = new Set<string>();
  const documents: BlobDescriptor[] = [...manifests];
  for (let document = documents.pop(); document !== undefined; document = documents.pop()) {
    found.add(document.digest);
    if (searched.has(document.digest)) continue;
    searched.add(document.digest);
    if (isOpaque(document)) continue;
    const text = textOf(document, blobs);
    for (const [digest] of text.matchAll(DIGEST)) found.add(digest);
    documents.push(...nested(text));
  }
  return found;
}

/** @throws InputError, which says what to do about a manifest of ours; ToolError */
function textOf(document: Index['manifests'][number], blobs: Blobs): string {
  try {
    return blobs.document(document);
  } catch (error) {
    const title = document.annotations?.[REFERENCE];
    if (error instanceof InputError && title !== undefined && readFacts(document.annotations) !== undefined)
      error.add(`  ${title} could need any file, so none is removed; remove it, too: wag-snap snapshots rm … ${title}`);
    throw error;
  }
}

/** What a damaged index leads to is not known: then all may be another tool's. */
export function reachableIfWhole(index: Index, blobs: Blobs): ReadonlySet<string> {
  try {
    return reachable(index, blobs);
  } catch {
    return new Set();
  }
}

/** A large file of another tool that is no document: it leads to nothing. */
function isOpaque({ mediaType, size }: BlobDescriptor): boolean {
  return size > DOCUMENT_MAX && !mediaType.endsWith('+json');
}

/** Documents that an index of indexes leads to. */
function nested(text: string): BlobDescriptor[] {
  try {
    const { manifests } = JSON.parse(text) as { manifests?: unknown };
    if (!Array.isArray(manifests)) return [];
    return manifests.flatMap((one) => descriptor.safeParse(one).data ?? []);
  } catch {
    return []; // of another tool, and no JSON: it has only the digests that were found
  }
}
