/** Snapshots in a registry: how they are found there, and what is counted of their files. */

import { InputError, LimitError } from '../base/errors.js';
import { parseManifest } from '../snapshot/store/manifest-of.js';
import { type Manifest, MEDIA_TYPE } from '../snapshot/store/oci.js';
import { tagNumber } from '../snapshot/store/reference.js';
import type { RegistryClient, RemoteManifest } from '../transport/registry/client.js';
import { type RegistryReference, registryText } from '../transport/registry/reference.js';

/** How many tags a repository may have for the newest to be looked for. */
export const TAGS_MAX = 10_000;

export interface FoundManifest extends RemoteManifest {
  /** With the tag or the digest by which it was found. */
  readonly reference: RegistryReference;
  /** For messages. */
  readonly where: string;
  readonly manifest: Manifest;
}

/**
 * Finds a snapshot: by its tag or digest, or the newest one.
 *
 * @throws InputError 'no-generation' when it is not there, 'registry' when it is something else; LimitError;
 *   RegistryError
 */
export async function findManifest(client: RegistryClient): Promise<FoundManifest> {
  const { tag, digest } = client.reference;
  const chosen = digest ?? tag ?? (await newestTag(client));
  const reference = { ...client.reference, ...(digest === undefined ? { tag: chosen } : {}) };
  const where = registryText(reference);
  const found = await client.manifest(chosen, [MEDIA_TYPE.manifest]);
  if (found === undefined) {
    throw new InputError('no-generation', `${where}: the registry has no such snapshot`);
  }
  return { ...found, reference, where, manifest: snapshotManifest(found, where) };
}

/** @throws InputError when it is not that of a snapshot */
export function snapshotManifest({ text }: RemoteManifest, where: string): Manifest {
  try {
    return parseManifest(text, where);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError('registry', `${error.headline.replace(': damaged: ', ': is no snapshot: ')}`);
  }
}

/** Numbers are the tags that stores give: the greatest is the newest. */
async function newestTag(client: RegistryClient): Promise<string> {
  const { listTags } = await import('../transport/registry/tags.js');
  const tags = await listTags(client, TAGS_MAX);
  const numbers = tags.map(tagNumber).filter((number) => !Number.isNaN(number));
  if (numbers.length > 0) return String(numbers.reduce((most, one) => Math.max(most, one)));
  if (tags.includes('latest')) return 'latest';
  if (tags.length === 1) return tags[0];
  const has = tags.length === 0 ? 'has no tags' : `has ${tags.slice(0, 5).join(', ')}${tags.length > 5 ? ', …' : ''}`;
  throw new InputError('no-generation', `${client.where}: it ${has}: name one, as ${client.where}:TAG`);
}

/** Adds up what is done of several blobs. */
export class BlobProgress {
  private readonly done = new Map<string, number>();
  private readonly total: number;

  constructor(
    blobs: readonly { readonly digest: string; readonly size: number }[],
    private readonly onProgress: ((done: number, total: number) => void) | undefined,
  ) {
    this.total = blobs.reduce((sum, { size }) => sum + size, 0);
  }

  set(digest: string, bytes: number): void {
    this.done.set(digest, bytes);
    if (this.onProgress === undefined) return;
    let sum = 0;
    for (const one of this.done.values()) sum += one;
    this.onProgress(sum, this.total);
  }
}

/** @throws LimitError */
export function checkSum(blobs: readonly { readonly size: number }[], where: string): number {
  const sum = blobs.reduce((total, { size }) => total + size, 0);
  if (Number.isSafeInteger(sum)) return sum;
  throw new LimitError('size', `${where}: says that it has ${sum} bytes, which nothing can hold`);
}
