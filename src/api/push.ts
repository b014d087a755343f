/** Sends a snapshot of a store to a registry, with all files that it needs. What is there is not sent again. */

import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Cancellation } from '../base/cancellation.js';
import { BugError } from '../base/errors.js';
import { distinctLayers, readDocuments } from '../snapshot/store/manifest-of.js';
import { MEDIA_TYPE } from '../snapshot/store/oci.js';
import { parseReference } from '../snapshot/store/reference.js';
import { noGeneration, SnapshotStore } from '../snapshot/store/store.js';
import type { RegistryClient } from '../transport/registry/client.js';
import { parseRegistryReference, registryText } from '../transport/registry/reference.js';
import { severally } from '../transport/registry/retry.js';
import type { LocalBlob } from '../transport/registry/upload.js';
import type { ProgressOption } from './common-options.js';
import { KnownRepositories } from './known-repositories.js';
import { openRepository, type RegistryOptions } from './registry-options.js';
import { BlobProgress } from './remote-snapshot.js';
import { defaultStore } from './store.js';

/** How many blobs are sent at once. */
const AT_ONCE = 3;
const READ = 1 << 20;

export interface PushOptions extends RegistryOptions, ProgressOption {
  /** The folder of the store; default: defaultStore(). */
  readonly store?: string | undefined;
}

export interface Pushed {
  /** `oci://HOST/REPOSITORY:TAG` */
  readonly reference: string;
  /** Of the manifest: `oci://HOST/REPOSITORY@DIGEST` stays the same whatever becomes of the tag. */
  readonly digest: string;
  /** Bytes of files that were sent, and of those that the registry had already. */
  readonly sent: number;
  readonly present: number;
}

/**
 * Sends a snapshot. The tag leads to it only after all of it has arrived.
 *
 * @param reference NAME:TAG, or NAME for the newest one
 * @param to `oci://HOST[:PORT]/REPOSITORY[:TAG]`; without TAG it keeps its own
 * @throws InputError when there is no such snapshot, or the registry answers nonsense; ToolError when it refuses, or
 *   cannot be reached
 */
export async function push(reference: string, to: string, options: PushOptions = {}): Promise<Pushed> {
  const { signal, onProgress, store: folder = defaultStore() } = options;
  const target = parseRegistryReference(to);
  const wanted = parseReference(reference);
  const store = SnapshotStore.open(folder);
  const found = store.find(wanted);
  const cancel = new Cancellation('the registry has no new tag', signal);
  cancel.check();
  const { name, tag } = found?.generation ?? { name: '', tag: '' };
  const documents = readDocuments(store, name, tag);
  if (documents === undefined) throw noGeneration(store, wanted);
  const { manifest, manifestText, configText } = documents;
  const layers = distinctLayers(manifest, reference);
  const ingest = store.ingest();
  const named = { ...target, digest: undefined, tag: target.tag ?? tag };
  let client: RegistryClient | undefined;
  try {
    // files that stay, whatever is removed from the store meanwhile
    const kept = new Map<string, string>();
    for (const { digest } of layers) kept.set(digest, await ingest.keep(digest));
    client = await openRepository(named, 'push', options);
    const blobs: LocalBlob[] = [
      ...layers.map(({ digest, size }) => ({ digest, size, read: fileReader(kept.get(digest)) })),
      { ...manifest.config, read: (start, end) => Readable.from([Buffer.from(configText).subarray(start, end)]) },
    ];
    const progress = new BlobProgress(blobs, onProgress);
    const sums = { sent: 0, present: 0 };
    const { Upload } = await import('../transport/registry/upload.js');
    const repository = client;
    const known = new KnownRepositories(store);
    const others = known.besides(target);
    await severally(repository, blobs, AT_ONCE, async (blob) => {
      const from = others.get(blob.digest);
      const upload = new Upload(repository, blob, from, (bytes) => progress.set(blob.digest, bytes));
      const outcome = await upload.run();
      sums[outcome === 'sent' ? 'sent' : 'present'] += blob.size;
      progress.set(blob.digest, blob.size);
    });
    known.note(target, [...kept.keys(), manifest.config.digest]);
    cancel.check();
    const digest = await client.putManifest(named.tag, manifestText, MEDIA_TYPE.manifest);
    return { reference: registryText(named), digest, ...sums };
  } catch (error) {
    cancel.check();
    throw error;
  } finally {
    client?.close();
    ingest.close();
  }
}

function fileReader(path: string | undefined): LocalBlob['read'] {
  if (path === undefined) throw new BugError('a file is pushed that is not kept');
  return (start, end) => createReadStream(path, { start, end: end - 1, highWaterMark: READ });
}
