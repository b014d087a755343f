/** Fetches a snapshot from a registry into a store, with all files that it needs and that the store does not have. */

import { rmSync, statSync } from 'node:fs';
import { Cancellation } from '../base/cancellation.js';
import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { Opener } from '../snapshot/opener.js';
import type { Blob } from '../snapshot/store/blobs.js';
import { readFacts } from '../snapshot/store/facts.js';
import type { Generation } from '../snapshot/store/generation.js';
import type { Ingest } from '../snapshot/store/ingest.js';
import { distinctLayers, readDocuments } from '../snapshot/store/manifest-of.js';
import { Parts } from '../snapshot/store/parts.js';
import { parseReference, type Reference, readReference } from '../snapshot/store/reference.js';
import { SnapshotStore } from '../snapshot/store/store.js';
import type { RegistryClient } from '../transport/registry/client.js';
import { parseRegistryReference, type RegistryReference } from '../transport/registry/reference.js';
import { severally } from '../transport/registry/retry.js';
import type { ProgressOption } from './common-options.js';
import { KnownRepositories } from './known-repositories.js';
import { openRepository, type RegistryOptions } from './registry-options.js';
import { BlobProgress, checkSum, type FoundManifest, findManifest } from './remote-snapshot.js';
import { openerFor, type TrustOptions } from './seal-options.js';
import { defaultStore } from './store.js';

/** How many blobs are fetched at once. */
const AT_ONCE = 3;

export interface PullOptions extends RegistryOptions, TrustOptions, ProgressOption {
  /** The folder of the store, which is made if it is not there; default: defaultStore(). */
  readonly store?: string | undefined;
}

export interface Pulled {
  readonly generation: Generation;
  /** Of the manifest in the registry. */
  readonly digest: string;
  /** Bytes of files that were fetched, and of those that the store had already. */
  readonly received: number;
  readonly present: number;
}

/**
 * Fetches a snapshot. The store has it only after all of it has come, and has been checked.
 *
 * @param from `oci://HOST[:PORT]/REPOSITORY[:TAG]`, or `@sha256:HEX` in place of the tag; without both the newest one
 * @param reference NAME or NAME:TAG that it gets; default: the repository's last part and the registry's tag
 * @throws InputError when it is not there, is not what its digests say, is not trusted, or another snapshot has that
 *   name; ToolError when the registry refuses or cannot be reached. Then the store is as before
 */
export async function pull(from: string, reference?: string, options: PullOptions = {}): Promise<Pulled> {
  const { signal, onProgress, store: folder = defaultStore() } = options;
  const source = parseRegistryReference(from);
  const wanted = reference === undefined ? undefined : parseReference(reference);
  const opener = await openerFor(options);
  const cancel = new Cancellation('the store is as before', signal);
  cancel.check();
  const client = await openRepository(source, 'pull', options);
  try {
    const found = await findManifest(client);
    const target = wanted?.tag === undefined ? targetOf(found.reference, wanted?.name) : wanted;
    const store = await SnapshotStore.openOrCreate(folder);
    const known = knownAs(store, target, found);
    if (known !== undefined) return { generation: known, digest: found.digest, received: 0, present: known.size };
    const fetcher = new Fetcher(store, client, found);
    try {
      const { received, present } = await fetcher.fetch(onProgress);
      cancel.check();
      const generation = await fetcher.add(target, opener);
      new KnownRepositories(store).note(source, fetcher.digests);
      return { generation, digest: found.digest, received, present };
    } finally {
      fetcher.close();
    }
  } catch (error) {
    cancel.check();
    throw error;
  } finally {
    client.close();
  }
}

/** @throws InputError when the repository's name cannot be that of a snapshot */
function targetOf({ repository, tag }: RegistryReference, name = repository.split('/').at(-1) ?? ''): Reference {
  if (readReference(name) !== undefined) return { name, tag };
  throw new InputError('reference', `${quoted(name)} cannot be the name of a snapshot in a store: give another one`);
}

/**
 * The same snapshot, if the store has it under that name.
 *
 * @throws InputError 'exists' when another one has it: it may be the only copy
 */
function knownAs(store: SnapshotStore, { name, tag }: Reference, found: FoundManifest): Generation | undefined {
  if (tag === undefined) return undefined;
  const documents = readDocuments(store, name, tag);
  if (documents === undefined) return undefined;
  const digests = (layers: readonly Blob[]) => layers.map(({ digest }) => digest).join();
  const { layers } = documents.manifest;
  if (digests(layers) === digests(found.manifest.layers)) return store.find({ name, tag })?.generation;
  throw new InputError(
    'exists',
    `${name}:${tag}: the store ${store.folder} has another snapshot of that name: pull it as another one (wag-snap pull ${found.where} NAME:TAG), or remove that one (wag-snap snapshots rm ${name}:${tag})`,
  );
}

/** Fetches the files of one snapshot into a folder of the store. */
class Fetcher {
  private readonly ingest: Ingest;
  private readonly parts: Parts;
  private readonly blobs: readonly Blob[];
  /** Digests of blobs that are whole, or the store's. */
  private readonly whole = new Set<string>();

  constructor(
    private readonly store: SnapshotStore,
    private readonly client: RegistryClient,
    private readonly found: FoundManifest,
  ) {
    this.blobs = distinctLayers(found.manifest, found.where);
    checkSum(this.blobs, found.where);
    this.ingest = store.ingest();
    this.parts = new Parts(store.folder);
    this.parts.removeOld();
  }

  async fetch(
    onProgress: ((done: number, total: number) => void) | undefined,
  ): Promise<{ received: number; present: number }> {
    const progress = new BlobProgress(this.blobs, onProgress);
    const { Download } = await import('../transport/registry/download.js');
    let received = 0;
    let present = 0;
    await severally(this.client, this.blobs, AT_ONCE, async (blob) => {
      if (this.store.blobs.has(blob)) {
        await this.ingest.keep(blob.digest);
        present += blob.size;
      } else {
        const path = this.pathOf(blob);
        this.parts.take(blob.digest, path);
        const before = Math.min(blob.size, statSync(path, { throwIfNoEntry: false })?.size ?? 0);
        await new Download(this.client, blob, path, (bytes) => progress.set(blob.digest, bytes)).run();
        this.ingest.received(nameOf(blob), blob);
        received += blob.size - before;
        present += before;
      }
      this.whole.add(blob.digest);
      progress.set(blob.digest, blob.size);
    });
    return { received, present };
  }

  /** Makes the files a generation. @throws InputError when they are none, or are not trusted; then they are removed */
  async add(target: Reference, opener: Opener): Promise<Generation> {
    const { annotations, layers } = this.found.manifest;
    const facts = readFacts(annotations);
    const [own, ...parents] = layers.map((layer) => this.pathOf(layer));
    const settings = { parents, opener, order: facts?.order, host: facts?.host, replaces: null };
    const name = nameOf(layers[0]);
    try {
      return await this.store.add(this.ingest, name, target, settings).catch((error) => {
        const isSealed = error instanceof InputError && ['encrypted', 'wrong-identity'].includes(error.code);
        // its signature, if one is wanted, was checked before its key was looked for
        if (!isSealed || facts?.encrypted !== true) throw error;
        return this.store.add(this.ingest, name, target, { ...settings, hidden: facts.created });
      });
    } catch (error) {
      if (error instanceof InputError && error.code !== 'changed') this.discard([own, ...parents]);
      throw error;
    }
  }

  get digests(): string[] {
    return this.blobs.map(({ digest }) => digest);
  }

  /** Leaves what has come for the next pull. */
  close(): void {
    for (const blob of this.blobs) {
      if (!this.store.blobs.has(blob)) this.parts.leave(blob.digest, this.pathOf(blob));
    }
    this.ingest.close();
  }

  private discard(paths: readonly string[]): void {
    for (const path of paths) rmSync(path, { force: true });
  }

  private pathOf(blob: Blob): string {
    return this.ingest.pathOf(nameOf(blob));
  }
}

/** As Ingest.keep() names files. */
function nameOf({ digest }: Blob): string {
  return digest.slice('sha256:'.length);
}
