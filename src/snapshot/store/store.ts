/**
 * Snapshots by name, in a folder that has the OCI image layout: any tool and registry that knows the layout can hold
 * them.
 *
 *     oci-layout, index.json     which generations there are: NAME:TAG, and the facts that a list shows of each
 *     blobs/sha256/HEX           a file for each .wsnap, a manifest and a config for each generation
 *     lock/                      which tool changes the store (lock.ts)
 *     registries.json            which repositories of registries have its files (api/known-repositories.ts)
 *     spare                      room for removing something on a full disk (spare.ts)
 *     ingest/                    what is being added to it (ingest.ts)
 *
 * The first layer of a generation's manifest is its own .wsnap. The earlier files that it needs follow: they are the
 * first layers of other generations. The index is replaced at once, after all that it leads to is durable. So a killed
 * tool leaves at most files that nothing leads to, which the next prune removes.
 */

import { existsSync, fsyncSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, reading } from '../../base/errors.js';
import { syncFolder, writeAt, writeOutput } from '../../base/output.js';
import { Opener } from '../opener.js';
import { type Blob, Blobs } from './blobs.js';
import { type Facts, hiddenFacts, laterThan, readFacts, writeFacts } from './facts.js';
import { adviceWithoutStore, isStore, makeFolders } from './folders.js';
import { type Collected, collectGarbage, reachable, reachableIfWhole } from './garbage.js';
import type { Generation, GenerationFiles } from './generation.js';
import { checkEntry, type Entry, entriesOf, IndexFile, nextNumber, parseDocument, withEntry } from './index-file.js';
import { Ingest } from './ingest.js';
import { removeLeftOvers } from './left-overs.js';
import { type Held, locked } from './lock.js';
import { ARTIFACT_TYPE, type Index, layout, type Manifest, MEDIA_TYPE, REFERENCE } from './oci.js';
import { readStored } from './read-stored.js';
import { type Reference, referenceText } from './reference.js';
import { checkReplaced, type FileSeal, isSignedFile } from './replaced-seal.js';
import { isForeign, readManifest, verifyEntries } from './verify-entries.js';

/** What is known of a file that is added. */
export interface AddOptions {
  /** Paths of the earlier files that it needs, as far as they are not in the same folder. */
  readonly parents?: readonly string[] | undefined;
  /** What opens the files. */
  readonly opener?: Opener | undefined;
  /** Whether its pages need no check, as they were written just now. */
  readonly isNew?: boolean | undefined;
  /** Of a file that was encrypted just now, for others: when it was captured. It needs all of `parents`, in this order. */
  readonly hidden?: Date | undefined;
  /** Called with the bytes of each piece that was read; may throw to give up. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** The machine that it comes from; default: this one. */
  readonly host?: string | undefined;
  /** Its place among the generations of its name. */
  readonly order?: 'newest' | Date | undefined;
  /** The manifest that the reference must still have, null for none. Not given: whatever has it is replaced. */
  readonly replaces?: string | null | undefined;
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
    if (!isStore(folder)) {
      throw new InputError('no-store', `${folder}: there is no store of snapshots: ${adviceWithoutStore(folder)}`);
    }
    parseDocument(
      reading(path, () => readFileSync(path, 'utf8')),
      layout,
      path,
    );
    return new SnapshotStore(folder);
  }

  /** Opens a store, and creates it if there is none. */
  static async openOrCreate(folder: string): Promise<SnapshotStore> {
    if (isStore(folder)) return SnapshotStore.open(folder);
    const store = new SnapshotStore(folder);
    makeFolders(store.blobs.folder);
    await locked(folder, (held) => {
      held();
      if (!existsSync(store.index.path)) {
        store.index.replace({ schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests: [] });
      }
      if (isStore(folder)) return;
      const bytes = Buffer.from('{"imageLayoutVersion":"1.0.0"}\n');
      const write = (fd: number) => {
        writeAt(fd, bytes, 0);
        fsyncSync(fd);
      };
      writeOutput(join(folder, 'oci-layout'), write, 0o600);
      syncFolder(folder);
    });
    return SnapshotStore.open(folder);
  }

  /** Lists all generations by name, the newest of each name last. */
  list(): Generation[] {
    const all = this.generations(this.index.read());
    return all.sort((a, b) => compare(a.name, b.name) || a.facts.order.getTime() - b.facts.order.getTime());
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
    return { generation: this.complete(found), path, parents, manifest: found.manifest.digest };
  }

  /** For each path of a blob: whether it is the own file of no generation of the name. */
  unowned(name: string, paths: readonly string[]): boolean[] {
    if (paths.length === 0) return [];
    const own = new Set<string>();
    for (const entry of entriesOf(this.index.read())) {
      if (entry.name === name && this.readable(entry)) own.add(this.manifestOf(entry).layers[0].digest);
    }
    return paths.map((path) => !own.has(this.blobs.digestOf(path) ?? ''));
  }

  /** Creates a folder to write a snapshot into. Call its close() in a finally. */
  ingest(): Ingest {
    return new Ingest(this.folder, this.blobs);
  }

  /**
   * Makes a file of `ingest` a generation.
   *
   * @param file its name in the folder; the file is complete and durable
   * @param reference without a tag, it gets the next number; a generation of that name and tag is replaced
   * @param settings `order` 'newest': after all generations of the name, whatever their clocks said; a time; or not
   *   given: by the time of its capture
   * @throws InputError when the file is no snapshot, or files that it needs are missing; 'sealed' when it would replace a
   *   generation that is encrypted or signed, and is not; ToolError; then the store is unchanged
   */
  async add(
    ingest: Ingest,
    file: string,
    reference: Reference,
    { parents = [], opener = new Opener(), hidden, isNew, onBytes, order, host, replaces }: AddOptions = {},
  ): Promise<Generation> {
    const { facts, files } =
      hidden === undefined
        ? await readStored(ingest.pathOf(file), reference, parents, opener, host, isNew)
        : { facts: hiddenFacts(hidden), files: parents };
    const layers = [await ingest.digest(file, onBytes)];
    for (const [i, path] of files.entries()) {
      layers.push(await this.ancestor(ingest, path, `ancestor-${i}`, () => onBytes?.(0)));
    }
    const factsAfter = (before: readonly Facts[]) => {
      if (order === undefined) return facts;
      return { ...facts, order: order === 'newest' ? laterThan(facts, before) : order };
    };
    return this.commit(ingest, layers, reference, factsAfter, replaces);
  }

  /** @returns the blob of a file that `ingest` keeps, or copies */
  private async ancestor(ingest: Ingest, path: string, name: string, check: () => void): Promise<Blob> {
    const kept = ingest.keptAs(path) ?? this.blobs.digestOf(path);
    if (kept !== undefined) {
      await ingest.keep(kept);
      return { digest: kept, size: reading(path, () => statSync(path)).size };
    }
    await ingest.copy(path, name, check);
    return ingest.digest(name);
  }

  /** @param factsAfter what it is, when the name has generations with these facts */
  private commit(
    ingest: Ingest,
    layers: readonly Blob[],
    { name, tag }: Reference,
    factsAfter: (before: readonly Facts[]) => Facts,
    replaces: string | null | undefined,
  ): Promise<Generation> {
    return locked(this.folder, (held) => {
      const index = this.index.read();
      const entries = entriesOf(index).filter((one) => one.name === name);
      const facts = factsAfter(entries.flatMap((one) => this.readable(one)?.facts ?? []));
      const chosen = tag ?? String(nextNumber(entries));
      if (replaces !== undefined) checkEntry(entries, name, chosen, replaces);
      const seal = { isEncrypted: facts.encrypted, isSigned: isSignedFile(ingest.fileOf(layers[0])) };
      this.checkSeal(entries, referenceText(name, chosen), seal);
      held();
      for (const layer of layers) ingest.deliver(layer);
      const entry = this.write(layers, facts, name, chosen);
      this.blobs.sync();
      held();
      this.index.replace(withEntry(index, entry));
      return this.complete(entry);
    });
  }

  /**
   * Checks that a new generation would not replace one that is better sealed, or another tool's entry.
   *
   * @throws InputError 'sealed', 'foreign'; ToolError
   */
  checkReplacing({ name, tag }: Reference, seal: FileSeal): void {
    if (tag !== undefined) this.checkSeal(entriesOf(this.index.read()), referenceText(name, tag), seal);
  }

  private checkSeal(entries: readonly Entry[], title: string, seal: FileSeal): void {
    const replaced = entries.find(({ name, tag }) => referenceText(name, tag) === title);
    if (replaced === undefined) return;
    if (isForeign(this.blobs, replaced))
      throw new InputError('foreign', `${title}: another tool has put it into the store: choose another tag`);
    checkReplaced(title, this.sealOf(replaced), seal);
  }

  /** Of a damaged generation, what is still known. */
  private sealOf(entry: Entry): FileSeal {
    try {
      const [own] = this.manifestOf(entry).layers;
      const isSigned = isSignedFile(this.blobs.pathOf(own.digest));
      return { isEncrypted: this.complete(entry).facts.encrypted, isSigned };
    } catch (error) {
      if (error instanceof InputError) return { isEncrypted: entry.facts?.encrypted === true, isSigned: false };
      throw error;
    }
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
    const change = (held: Held) => {
      const index = this.index.read();
      const removed = choose(this.generations(index));
      const gone = new Set(removed.map(({ name, tag }) => referenceText(name, tag)));
      const next = {
        ...index,
        manifests: index.manifests.filter((one) => !gone.has(one.annotations?.[REFERENCE] ?? '')),
      };
      const [kept, before] = [reachable(next, this.blobs), reachableIfWhole(index, this.blobs)];
      held();
      if (!dryRun && gone.size > 0) this.index.shrink(next);
      const leftOvers = dryRun ? 0 : removeLeftOvers(this.folder, this.blobs);
      const collected = collectGarbage(kept, before, this.blobs, dryRun);
      this.index.keepRoom(next);
      return { removed, ...collected, leftOvers };
    };
    return this.index.spare.inNeed(() => locked(this.folder, change));
  }

  private generations(index: Index): Generation[] {
    return entriesOf(index).flatMap((entry) => this.readable(entry) ?? []);
  }

  /**
   * Undefined for an entry of another tool that is no snapshot, though its name could be one's; or whose manifest is
   * damaged, which verify() tells.
   */
  private readable(entry: Entry): Generation | undefined {
    try {
      return this.complete(entry);
    } catch (error) {
      if (error instanceof InputError) return undefined;
      throw error;
    }
  }

  /**
   * Reads all files of some generations, or of all, and compares them with their digests.
   *
   * @param onBytes called with the bytes read so far, and the total; may throw to cancel
   * @returns what is wrong, a line each
   */
  verify(
    chosen: readonly Reference[],
    onBytes: (done: number, total: number) => void = () => {},
  ): Promise<{ readonly generations: number; readonly wrong: readonly string[] }> {
    const index = this.index.read();
    const entries = chosen.length === 0 ? entriesOf(index) : chosen.map((one) => this.expectEntry(index, one));
    const now = () => entriesOf(this.index.read());
    return verifyEntries(entries, chosen.length === 0, this.blobs, now, onBytes);
  }

  private entry(index: Index, { name, tag }: Reference): Entry | undefined {
    const own = entriesOf(index).filter((entry) => entry.name === name);
    if (tag !== undefined) return own.find((entry) => entry.tag === tag);
    return own
      .flatMap((entry) => {
        const facts = this.readable(entry)?.facts;
        return facts === undefined ? [] : [{ entry, order: facts.order.getTime() }];
      })
      .reduce<{ entry: Entry; order: number } | undefined>(
        (newest, one) => (newest === undefined || one.order >= newest.order ? one : newest),
        undefined,
      )?.entry;
  }

  private expectEntry(index: Index, reference: Reference): Entry {
    const entry = this.entry(index, reference);
    if (entry !== undefined) return entry;
    throw noGeneration(this, reference);
  }

  private manifestOf({ manifest: descriptor }: Entry): Manifest {
    return readManifest(this.blobs, descriptor);
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
  /** How many files and folders that killed tools had left unfinished were removed, too. */
  readonly leftOvers: number;
}

/**
 * The error about a missing generation. It names those that there are.
 *
 * @param others what else the reference could have named: `no such file, and`
 */
export function noGeneration(store: SnapshotStore, { name, tag }: Reference, others = 'is'): InputError {
  const tags = store
    .list()
    .filter((one) => one.name === name)
    .map((one) => one.tag);
  const has =
    tags.length === 0
      ? 'it has no snapshot of that name (wag-snap snapshots lists those that it has)'
      : `of that name it has ${tags.slice(-5).join(', ')}`;
  return new InputError(
    'no-generation',
    `${tag === undefined ? name : referenceText(name, tag)}: ${others} not in the store ${store.folder}: ${has}`,
  );
}

function bytesOf(blobs: readonly Blob[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
