/** Compares the files of a store with their digests. */

import { InputError } from '../../base/errors.js';
import { type Blob, type Blobs, digestFile } from './blobs.js';
import { type Entry, identityOf, parseDocument } from './index-file.js';
import { ARTIFACT_TYPE, type BlobDescriptor, type Manifest, manifest } from './oci.js';
import { referenceText } from './reference.js';

/** How many generations that need a wrong file a message names. */
const SHOWN = 5;

/** A file, and the generations that need it. */
interface Needed {
  readonly blob: Blob;
  readonly by: Entry[];
}

/** What is wrong, and with which generations. */
interface Wrong {
  readonly by: readonly Entry[];
  readonly what: string;
}

/**
 * @param mayBeForeign whether some of the entries may be another tool's, and no snapshots
 * @param now reads the entries that there are after the check: what another tool has removed or replaced meanwhile was
 *   not wrong
 * @param onBytes called with the bytes read so far, and the total; may throw to cancel
 * @returns how many generations were checked, and what is wrong, a line each
 */
export async function verifyEntries(
  entries: readonly Entry[],
  mayBeForeign: boolean,
  blobs: Blobs,
  now: () => Entry[],
  onBytes: (done: number, total: number) => void,
): Promise<{ readonly generations: number; readonly wrong: readonly string[] }> {
  const wrong: Wrong[] = [];
  const needed = new Map<string, Needed>();
  const own = mayBeForeign ? entries.filter((entry) => !isForeign(blobs, entry)) : entries;
  for (const entry of own) {
    try {
      const { config, layers } = readManifest(blobs, entry.manifest);
      blobs.document(config);
      for (const blob of layers) {
        const known = needed.get(blob.digest);
        if (known === undefined) needed.set(blob.digest, { blob, by: [entry] });
        else known.by.push(entry);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      wrong.push({ by: [entry], what: error.message });
    }
  }
  let total = 0;
  for (const { blob } of needed.values()) total += blob.size;
  let done = 0;
  for (const { blob, by } of needed.values()) {
    const what = await problemOf(blobs, blob, (bytes) => {
      done += bytes;
      onBytes(done, total);
    });
    if (what !== undefined) wrong.push({ by, what });
  }
  const still = new Set(wrong.length === 0 ? [] : now().map(identityOf));
  const lines = wrong.flatMap(({ by, what }) => {
    const left = by.filter((entry) => still.has(identityOf(entry)));
    return left.length === 0 ? [] : [`${namesOf(left)}: ${what}`];
  });
  return { generations: own.length, wrong: lines };
}

/** @throws ToolError when the file cannot be read */
async function problemOf(blobs: Blobs, blob: Blob, onBytes: (bytes: number) => void): Promise<string | undefined> {
  const path = blobs.pathOf(blob.digest);
  if (!blobs.has(blob)) return `${path}: is missing, or does not have ${blob.size} bytes`;
  let digest: string;
  try {
    ({ digest } = await digestFile(path, onBytes));
  } catch (error) {
    // removed since it was looked for
    if (error instanceof InputError || !blobs.has(blob))
      return `${path}: is missing, or does not have ${blob.size} bytes`;
    throw error;
  }
  return digest === blob.digest ? undefined : `${path}: damaged: its ${digest.replace(':', ' is ')}`;
}

function namesOf(entries: readonly Entry[]): string {
  const names = entries.slice(0, SHOWN).map(({ name, tag }) => referenceText(name, tag));
  const others = entries.length - names.length;
  return `${names.join(', ')}${others === 0 ? '' : ` and ${others} others`}`;
}

/** Whether it is a whole document that is no manifest of ours. @throws ToolError */
export function isForeign(blobs: Blobs, { manifest: descriptor }: Entry): boolean {
  try {
    return !blobs.document(descriptor).includes(ARTIFACT_TYPE);
  } catch (error) {
    if (error instanceof InputError) return false; // it is missing or damaged
    throw error;
  }
}

/** @throws InputError when it is missing, damaged, or none of a snapshot; ToolError */
export function readManifest(blobs: Blobs, descriptor: BlobDescriptor): Manifest {
  return parseDocument(blobs.document(descriptor), manifest, blobs.pathOf(descriptor.digest));
}
