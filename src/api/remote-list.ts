/** Lists the snapshots that a repository of a registry has. */

import { Cancellation } from '../base/cancellation.js';
import { InputError } from '../base/errors.js';
import { readFacts } from '../snapshot/store/facts.js';
import type { Generation } from '../snapshot/store/generation.js';
import { type Manifest, MEDIA_TYPE } from '../snapshot/store/oci.js';
import type { RegistryClient, RemoteManifest } from '../transport/registry/client.js';
import { parseRegistryReference } from '../transport/registry/reference.js';
import { severally } from '../transport/registry/retry.js';
import { listTags } from '../transport/registry/tags.js';
import { openRepository, type RegistryOptions } from './registry-options.js';
import { checkSum, snapshotManifest, TAGS_MAX } from './remote-snapshot.js';

/** How many manifests are asked for at once. */
const AT_ONCE = 6;

/** A snapshot in a registry. `name` is its repository's. */
export interface RemoteGeneration extends Generation {
  /** Of its manifest. */
  readonly digest: string;
}

/**
 * Lists the snapshots of a repository, the newest last. Images and artifacts of others are left out.
 *
 * @param repository `oci://HOST[:PORT]/REPOSITORY`, or with a tag or digest: only this one
 * @throws InputError 'no-repository'; LimitError when it has more than 10,000 tags; ToolError when the registry refuses
 *   or cannot be reached
 */
export async function listRemote(repository: string, options: RegistryOptions = {}): Promise<RemoteGeneration[]> {
  const reference = parseRegistryReference(repository);
  const cancel = new Cancellation('nothing was listed', options.signal);
  cancel.check();
  const client = await openRepository(reference, 'pull', options);
  try {
    const one = reference.digest ?? reference.tag;
    const tags = one === undefined ? await listTags(client, TAGS_MAX) : [one];
    const found: RemoteGeneration[] = [];
    await severally(client, tags, AT_ONCE, async (tag) => {
      const generation = await lookAt(client, tag);
      if (generation !== undefined) found.push(generation);
    });
    if (one !== undefined && found.length === 0) {
      throw new InputError('no-generation', `${repository}: the registry has no such snapshot`);
    }
    return found.sort((a, b) => a.facts.order.getTime() - b.facts.order.getTime() || (a.tag < b.tag ? -1 : 1));
  } catch (error) {
    cancel.check();
    throw error;
  } finally {
    client.close();
  }
}

/** @returns undefined when it is no snapshot, or has been removed meanwhile */
async function lookAt(client: RegistryClient, tag: string): Promise<RemoteGeneration | undefined> {
  const where = `${client.where}:${tag}`;
  const found = await client.manifest(tag, [MEDIA_TYPE.manifest]);
  const manifest = found && manifestIn(found, where);
  if (manifest === undefined) return undefined;
  const { layers, annotations } = manifest;
  const facts = readFacts(annotations) ?? (await factsInConfig(client, manifest));
  if (facts === undefined) return undefined;
  const size = checkSum(layers, where);
  return { name: client.reference.repository, tag, facts, ownSize: layers[0].size, size, digest: found!.digest };
}

function manifestIn(found: RemoteManifest, where: string): Manifest | undefined {
  try {
    return snapshotManifest(found, where);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

/** Of a manifest whose annotations another tool has left out: the config has them as labels. */
async function factsInConfig(client: RegistryClient, { config }: Manifest): Promise<ReturnType<typeof readFacts>> {
  const text = await client.smallBlob(config);
  try {
    const { config: image } = JSON.parse(text) as { config?: { Labels?: Record<string, string> } };
    return readFacts(image?.Labels);
  } catch {
    return undefined;
  }
}
