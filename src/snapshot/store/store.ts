/**
 * Snapshots by name, in a folder that has the OCI image layout: any tool and registry that knows the layout can hold
 * them.
 *
 *     oci-layout, index.json     which generations there are: NAME:TAG, and the facts that a list shows of each
 *     blobs/sha256/HEX           a file for each .wsnap, a manifest and a config for each generation
 *     lock/                      which tool changes the store (lock.ts)
 *     ingest/                    what is being added to it (ingest.ts)
 *
 * The first layer of a generation's manifest is its own .wsnap. The earlier files that it needs follow: they are the
 * first layers of other generations. The index is replaced at once, after all that it leads to is durable. So a killed
 * tool leaves at most files that nothing leads to, which the next prune removes.
 */

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError, writeFailure } from '../../base/errors.js';
import { syncFolder } from '../../base/output.js';
import { locateAncestors } from '../chain.js';
import { readSnapshot } from '../format.js';
import { type Blob, Blobs, digestFile } from './blobs.js';
import { type Facts, factsOf, readFacts, writeFacts } from './facts.js';
import { type Collected, collectGarbage } from './garbage.js';
import { descriptorOf, type Entry, entriesOf, IndexFile, parseDocument } from './index-file.js';
import { Ingest } from './ingest.js';
import { locked } from './lock.js';
import { ARTIFACT_TYPE, type Index, layout, type Manifest, MEDIA_TYPE, manifest, REFERENCE } from './oci.js';
import { type Reference, referenceText, tagNumber } from './reference.js';

/** A snapshot that a store has. */
export interface Generation {
  readonly name: string;
  readonly tag: string;
  readonly facts: Facts;
  /** Bytes of its own file. */
  readonly ownSize: number;
  /** Bytes of all files that it needs, its own among them. */
  readonly size: number;
}

/** Where the files of a generation are. They stay until it is removed. */
export interface GenerationFiles {
  readonly generation: Generation;
  readonly path: string;
  /** The earlier files that it needs. */
  readonly parents: readonly string[];
}

export class SnapshotStore {
  readonly blobs: Blobs;
  private readonly index: IndexFile;

  private constructor(readonly folder: string) {
    this.blobs = new Blobs(folder);
    this.index = new IndexFile(folder);
  }

  /** @throws InputError 'no-store' when there is none, 'store' when it is another thing; ToolError */
  static open(folder: string): SnapshotStore {
    const path = join(folder, 'oci-layout');
    if (!existsSync(path)) {
      throw new InputError('no-store', `${folder}: there is no store of snapshots: wag-snap capture -t NAME makes one`);
    }
    parseDocument(readFileSync(path, 'utf8'), layout, path);
    return new SnapshotStore(folder);
  }

  /** Opens a store, and creates it if there is none. */
  static async openOrCreate(folder: string): Promise<SnapshotStore> {
    if (existsSync(join(folder, 'oci-layout'))) return SnapshotStore.open(folder);
    const store = new SnapshotStore(folder);
    try {
      mkdirSync(store.blobs.folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw writeFailure(folder, error);
    }
    await locked(folder, () => {
      if (!existsSync(store.index.path)) {
        store.index.replace({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests: [] });
      }
      try {
        writeFileSync(join(folder, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}\n', { flush: true });
      } catch (error) {
        throw writeFailure(folder, error);
      }
      syncFolder(folder);
    });
    return SnapshotStore.open(folder);
  }

  /** Lists all generations by name, the newest of each name last. */
  list(): Generation[] {
    const all = entriesOf(this.index.read()).map((entry) => this.complete(entry));
    return all.sort((a, b) => compare(a.name, b.name) || a.facts.created.getTime() - b.facts.created.getTime());
  }

  /** The newest one where the reference has no tag. @returns undefined when there is none */
  find(reference: Reference): GenerationFiles | undefined {
    const found = this.entry(this.index.read(), reference);
    if (found === undefined) return undefined;
    const { layers } = this.manifestOf(found);
    for (const layer of layers) {
      if (!this.blobs.has(layer)) throw new InputError('store', `${this.blobs.pathOf(layer.digest)}: is missing`);
    }
    const [path, ...parents] = layers.map(({ digest }) => this.blobs.pathOf(digest));
    return { generation: this.complete(found), path, parents };
  }

  /** Creates a folder to write a snapshot into. Call its close() in a finally. */
  ingest(): Ingest {
    return new Ingest(this.folder, this.blobs);
  }

  /**
   * Makes a file of `ingest` a generation.
   *
   * @param file its name in the folder; the file is complete and durable
   * @param parents paths of the earlier files that it needs, as far as they are not in the same folder
   * @param reference without a tag, it gets the next number; a generation of that name and tag is replaced
   * @throws InputError when the file is no snapshot, or files that it needs are missing; ToolError; then the store is
   *   unchanged
   */
  async add(
    ingest: Ingest,
    file: string,
    reference: Reference,
    parents: readonly string[] = [],
    onBytes?: (bytes: number) => void,
  ): Promise<Generation> {
    const stored = locateAncestors(readSnapshot(ingest.pathOf(file)), { parents });
    const layers = [await ingest.digest(file, onBytes)];
    for (const [i, { path }] of (stored.ancestors ?? []).entries()) {
      layers.push(await this.ancestor(ingest, path, `ancestor-${i}`));
    }
    return this.commit(ingest, layers, reference, factsOf(stored, hostname()));
  }

  /** @returns the blob of a file that `ingest` keeps, or copies */
  private async ancestor(ingest: Ingest, path: string, name: string): Promise<Blob> {
    const kept = ingest.keptAs(path) ?? this.blobs.digestOf(path);
    if (kept !== undefined) {
      ingest.keep(kept);
      return { digest: kept, size: statSync(path).size };
    }
    ingest.copy(path, name);
    return ingest.digest(name);
  }

  private commit(ingest: Ingest, layers: readonly Blob[], { name, tag }: Reference, facts: Facts): Promise<Generation> {
    return locked(this.folder, () => {
      const index = this.index.read();
      const chosen = tag ?? String(nextNumber(entriesOf(index), name));
      for (const layer of layers) ingest.deliver(layer);
      const entry = this.write(layers, facts, name, chosen);
      this.blobs.sync();
      this.index.replace(withEntry(index, entry));
      return this.complete(entry);
    });
  }

  /** Writes the config and the manifest. */
  private write(layers: readonly Blob[], facts: Facts, name: string, tag: string): Required<Entry> {
    const labels = writeFacts(facts);
    const config = this.blobs.put(
      JSON.stringify({
        created: facts.created.toISOString(),
        architecture: facts.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Labels: labels },
        rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
      }),
    );
    const written: Manifest & { mediaType: string } = {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.manifest,
      artifactType: ARTIFACT_TYPE,
      config: { mediaType: MEDIA_TYPE.config, ...config },
      layers: layers.map((layer) => ({ mediaType: MEDIA_TYPE.layer, ...layer })),
      annotations: labels,
    };
    const [own] = layers;
    const size = bytesOf(layers);
    const blob = this.blobs.put(JSON.stringify(written));
    return { name, tag, manifest: { mediaType: MEDIA_TYPE.manifest, ...blob }, facts, ownSize: own.size, size };
  }

  /**
   * Removes generations, and the files that nothing leads to then.
   *
   * @param choose picks those to remove from all
   * @throws InputError, ToolError; then none was removed
   */
  remove(choose: (all: readonly Generation[]) => readonly Generation[], dryRun = false): Promise<Removed> {
    return locked(this.folder, () => {
      const index = this.index.read();
      const all = entriesOf(index).map((entry) => this.complete(entry));
      const removed = choose(all);
      const gone = new Set(removed.map(({ name, tag }) => referenceText(name, tag)));
      const next = {
        ...index,
        manifests: index.manifests.filter((one) => !gone.has(one.annotations?.[REFERENCE] ?? '')),
      };
      if (!dryRun && gone.size > 0) this.index.replace(next);
      return { removed, ...collectGarbage(next, this.blobs, dryRun) };
    });
  }

  /**
   * Reads all files of a generation, or of all, and compares them with their digests.
   *
   * @param onBytes called with the bytes read so far, and the total; may throw to cancel
   * @returns what is wrong, a line each
   */
  async verify(
    chosen: readonly Reference[],
    onBytes: (done: number, total: number) => void = () => {},
  ): Promise<{ readonly generations: number; readonly wrong: readonly string[] }> {
    const index = this.index.read();
    const entries = chosen.length === 0 ? entriesOf(index) : chosen.map((one) => this.expectEntry(index, one));
    const wrong: string[] = [];
    const blobs = new Map<string, { readonly blob: Blob; readonly of: string }>();
    for (const entry of entries) {
      const of = referenceText(entry.name, entry.tag);
      try {
        const { config, layers } = this.manifestOf(entry);
        this.blobs.document(config);
        for (const blob of layers) blobs.set(blob.digest, { blob, of });
      } catch (error) {
        wrong.push(`${of}: ${(error as Error).message}`);
      }
    }
    const total = bytesOf(Array.from(blobs.values(), ({ blob }) => blob));
    let done = 0;
    for (const { blob, of } of blobs.values()) {
      const path = this.blobs.pathOf(blob.digest);
      if (!this.blobs.has(blob)) {
        wrong.push(`${of}: ${path}: is missing, or does not have ${blob.size} bytes`);
        continue;
      }
      const { digest } = await digestFile(path, (bytes) => {
        done += bytes;
        onBytes(done, total);
      });
      if (digest !== blob.digest) wrong.push(`${of}: ${path}: damaged: its ${digest.replace(':', ' is ')}`);
    }
    return { generations: entries.length, wrong };
  }

  private entry(index: Index, { name, tag }: Reference): Entry | undefined {
    const own = entriesOf(index).filter((entry) => entry.name === name);
    if (tag !== undefined) return own.find((entry) => entry.tag === tag);
    return own
      .map((entry) => ({ entry, created: this.complete(entry).facts.created.getTime() }))
      .reduce<{ entry: Entry; created: number } | undefined>(
        (newest, one) => (newest === undefined || one.created >= newest.created ? one : newest),
        undefined,
      )?.entry;
  }

  private expectEntry(index: Index, reference: Reference): Entry {
    const entry = this.entry(index, reference);
    if (entry !== undefined) return entry;
    throw noGeneration(this, reference);
  }

  private manifestOf({ manifest: descriptor }: Entry): Manifest {
    return parseDocument(this.blobs.document(descriptor), manifest, this.blobs.pathOf(descriptor.digest));
  }

  /** Reads from the manifest what the index does not have. */
  private complete(entry: Entry): Generation {
    const { name, tag, facts, ownSize, size } = entry;
    if (facts && ownSize !== undefined && size !== undefined) return { name, tag, facts, ownSize, size };
    const { layers, annotations } = this.manifestOf(entry);
    const read = readFacts(annotations);
    if (read === undefined) {
      throw new InputError('store', `${this.blobs.pathOf(entry.manifest.digest)}: does not say what snapshot it is`);
    }
    return {
      name,
      tag,
      facts: read,
      ownSize: layers[0].size,
      size: bytesOf(layers),
    };
  }
}

export interface Removed extends Collected {
  readonly removed: readonly Generation[];
}

/** The error about a missing generation. It names those that there are. */
export function noGeneration(store: SnapshotStore, { name, tag }: Reference): InputError {
  const tags = store
    .list()
    .filter((one) => one.name === name)
    .map((one) => one.tag);
  const has =
    tags.length === 0 ? 'it has no snapshot of that name' : `of that name it has ${tags.slice(-5).join(', ')}`;
  return new InputError(
    'no-generation',
    `${tag === undefined ? name : referenceText(name, tag)}: is not in the store ${store.folder}: ${has}`,
  );
}

function withEntry(index: Index, entry: Required<Entry>): Index {
  const reference = referenceText(entry.name, entry.tag);
  const others = index.manifests.filter((one) => one.annotations?.[REFERENCE] !== reference);
  return { ...index, manifests: [...others, descriptorOf(entry)] };
}

function nextNumber(entries: readonly Entry[], name: string): number {
  const numbers = entries.filter((one) => one.name === name).map(({ tag }) => tagNumber(tag));
  return Math.max(0, ...numbers.filter((number) => !Number.isNaN(number))) + 1;
}

function bytesOf(blobs: readonly Blob[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
