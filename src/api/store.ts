/** Snapshots by name and generation, in a folder that any tool for OCI images can read (snapshot/store/store.ts). */

import { basename, join, resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { InputError, ToolError, UsageError } from '../base/errors.js';
import { openDestination } from '../base/output.js';
import { nameTemporary } from '../base/temporary.js';
import { userFolder } from '../base/user-folders.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { Generation, GenerationFiles } from '../snapshot/store/generation.js';
import type { Ingest } from '../snapshot/store/ingest.js';
import { parseReference, type Reference, readReference, referenceText } from '../snapshot/store/reference.js';
import { noGeneration, type Removed, SnapshotStore } from '../snapshot/store/store.js';
import { checkSubject } from '../snapshot/trust/policy.js';
import type { Capturable } from './capture.js';
import type { OutputOption, ProgressOption, SignalOption } from './common-options.js';
import { captureNext, type StoreCaptureOptions, type StoredCapture } from './next-generation.js';
import {
  type FormOptions,
  openerFor,
  openerForNew,
  planSeal,
  readForm,
  readKeys,
  type TrustOptions,
  type WithKeys,
} from './seal-options.js';

export type { Generation, GenerationFiles, Removed, StoreCaptureOptions, StoredCapture };

const NEW = 'snapshot.wsnap';

export interface PruneOptions {
  /** Names whose generations are pruned; default: all. */
  readonly names?: readonly string[] | undefined;
  /** How many of the newest generations of each name stay; default: 1. */
  readonly keep?: number | undefined;
  /** Generations younger than this stay, in milliseconds. */
  readonly olderThan?: number | undefined;
  /** Remove nothing. */
  readonly dryRun?: boolean | undefined;
}

/** The default folder of the store: $XDG_DATA_HOME/wag-snap/store. */
export function defaultStore(): string {
  return join(userFolder('XDG_DATA_HOME'), 'store');
}

/**
 * A store of snapshots.
 *
 * @param folder default: defaultStore()
 * @throws InputError 'no-store' when there is none, and 'store' when it is something else; ToolError
 */
export async function openStore(folder = defaultStore()): Promise<Store> {
  return new Store(SnapshotStore.open(resolve(folder)));
}

/** Opens a store, and creates it if there is none. */
export async function createStore(folder = defaultStore()): Promise<Store> {
  return new Store(await SnapshotStore.openOrCreate(resolve(folder)));
}

export class Store {
  constructor(private readonly store: SnapshotStore) {}

  get folder(): string {
    return this.store.folder;
  }

  /**
   * Lists all generations by name, the newest of each name last. @throws InputError when the store is damaged;
   * ToolError
   */
  list(): Generation[] {
    return this.store.list();
  }

  /**
   * Finds the files of a generation, for `restore(path, { parents })` and everything else that takes a snapshot. They
   * stay until the generation is removed.
   *
   * @param reference NAME:TAG, or NAME for the newest one
   * @throws InputError 'no-generation' when it is not there
   */
  find(reference: string): GenerationFiles {
    const parsed = parseReference(reference);
    const found = this.store.find(parsed);
    if (found === undefined) throw noGeneration(this.store, parsed);
    return found;
  }

  /**
   * Captures a running program as a new generation. Pages that the newest generation of the same name and program
   * already has are not written again.
   *
   * @param workload as for capture
   * @param reference NAME: the new generation gets the next number; or NAME:TAG: it replaces that one @throws
   *   InputError, LimitError, ToolError; then the program continues, and the store is unchanged
   */
  async capture(
    workload: Capturable | number | string,
    reference: string,
    options: StoreCaptureOptions = {},
  ): Promise<StoredCapture> {
    return captureNext(this.store, workload, parseReference(reference), options);
  }

  /**
   * Copies a snapshot's file into the store, with the earlier files that it needs.
   *
   * @param reference NAME: the new generation gets the next number; or NAME:TAG: it replaces that one @throws
   *   InputError when the file is no snapshot or files are missing; ToolError
   */
  async import(
    path: string,
    reference: string,
    { parents = [], signal, onProgress, ...trust }: ImportOptions = {},
  ): Promise<Generation> {
    const target = parseReference(reference);
    const { openSnapshot, filesOf } = await import('./stored-snapshot.js');
    const opener = await openerFor(trust);
    const stored = await openSnapshot(path, { parents, opener, name: target.name });
    const cancel = new Cancellation('the store is as before', signal);
    const ingest = this.store.ingest();
    try {
      await ingest.copy(path, NEW, () => cancel.check());
      let done = 0;
      const onBytes = (bytes: number) => {
        cancel.check();
        done += bytes;
        onProgress?.(done, stored.size);
      };
      return await this.store.add(ingest, NEW, target, { parents: filesOf(stored).slice(1), opener, onBytes });
    } finally {
      ingest.close();
    }
  }

  /**
   * Writes a generation as one file that needs no other.
   *
   * @throws InputError when it is damaged or not there, or removed meanwhile; ToolError
   */
  async export(reference: string, options: OutputOption & RewriteOptions): Promise<void> {
    const found = this.find(reference);
    const how = await readKeys(options);
    const ingest = this.ingestIfWritable();
    try {
      await this.rewrite(await this.keepFiles(found, ingest), options.to, how);
    } finally {
      ingest?.close();
    }
  }

  /** Undefined for a store that may only be read. */
  private ingestIfWritable(): Ingest | undefined {
    try {
      return this.store.ingest();
    } catch (error) {
      if (error instanceof ToolError) return undefined;
      throw error;
    }
  }

  /** Keeps the files until the ingest is closed, whatever another tool removes meanwhile. @throws InputError, ToolError */
  private async keepFiles(found: GenerationFiles, ingest: Ingest | undefined): Promise<GenerationFiles> {
    const { path, parents, generation } = found;
    const title = referenceText(generation.name, generation.tag);
    const kept: string[] = [];
    for (const file of [path, ...parents]) {
      const name = file === path ? title : `${title}: ${basename(file)}`;
      nameTemporary(file, name);
      const own = await ingest?.keep(this.store.blobs.digestOf(file) ?? '');
      if (own !== undefined) nameTemporary(own, name);
      kept.push(own ?? file);
    }
    const [own = path, ...others] = kept;
    return { ...found, path: own, parents: others };
  }

  /** @returns when the snapshot was captured */
  private async rewrite(
    { path, parents, generation }: GenerationFiles,
    to: string,
    { signal, onProgress, ...options }: RewriteOptions & WithKeys,
    keepsSeal = false,
  ): Promise<Date> {
    const [{ openSnapshot }, { compactOpened }] = await Promise.all([
      import('./stored-snapshot.js'),
      import('./compact.js'),
    ]);
    const title = referenceText(generation.name, generation.tag);
    const form = await readForm(options);
    const stored = await openSnapshot(path, { parents, opener: await openerFor(options), name: generation.name });
    if (keepsSeal) {
      checkSeal(stored, options, title);
      const { seal, opener } = await planSeal(options, generation.name);
      const module = stored.snapshot.modules[stored.snapshot.modules.length - 1].sha256;
      checkSubject(opener.trust, seal, { stored: generation.name, module }, title);
    }
    await compactOpened(stored, openDestination(resolve(to), [path, ...parents]), { form, signal, onProgress });
    return new Date(stored.snapshot.created);
  }

  /**
   * Rewrites a generation to one file that needs no other. Generations that need its old files keep them.
   *
   * @throws UsageError when it is encrypted or signed, and the new file would not be; InputError 'changed' when another
   *   tool has replaced or removed it meanwhile; as export
   */
  async compact(reference: string, given: RewriteOptions = {}): Promise<Generation> {
    const found = this.find(reference);
    const options = await readKeys(given);
    const { name, tag } = found.generation;
    const ingest = this.store.ingest();
    try {
      const created = await this.rewrite(await this.keepFiles(found, ingest), ingest.pathOf(NEW), options, true);
      const isEncrypted = (options.encryptTo ?? []).length > 0;
      const opener = await openerForNew(options);
      const how = isEncrypted ? { hidden: created } : { opener, isNew: true };
      return await this.store.add(
        ingest,
        NEW,
        { name, tag },
        { ...how, order: found.generation.facts.order, replaces: found.manifest },
      );
    } finally {
      ingest.close();
    }
  }

  /**
   * Removes generations, and the files that no other needs.
   *
   * @param references NAME:TAG, or NAME for all generations of that name
   * @throws InputError 'no-generation' when one is not there; then none was removed
   */
  remove(references: readonly string[]): Promise<Removed> {
    const parsed = references.map(parseReference);
    return this.store.remove((all) => {
      for (const reference of parsed) {
        if (!all.some((one) => matches(one, reference))) throw noGeneration(this.store, reference);
      }
      return all.filter((one) => parsed.some((reference) => matches(one, reference)));
    });
  }

  /**
   * Removes all generations that are not to stay, and all files that nothing needs, also those that killed tools have
   * left.
   */
  prune({ names, keep = 1, olderThan, dryRun }: PruneOptions = {}): Promise<Removed> {
    if (!(Number.isInteger(keep) && keep >= 0)) throw new UsageError(`keep ${keep}: expected a number, from 0 on`);
    if (olderThan !== undefined && !(olderThan >= 0)) {
      throw new UsageError(`olderThan ${olderThan}: expected milliseconds`);
    }
    const now = Date.now();
    return this.store.remove((all) => {
      const stays = new Map<string, number>();
      // of two captured at the same moment, the later one in the index is newer
      const newestFirst = [...all].reverse().sort((a, b) => b.facts.order.getTime() - a.facts.order.getTime());
      return newestFirst.filter(({ name, facts }) => {
        const before = stays.get(name) ?? 0;
        stays.set(name, before + 1);
        if (before < keep || (names !== undefined && !names.includes(name))) return false;
        return olderThan === undefined || now - facts.created.getTime() > olderThan;
      });
    }, dryRun);
  }

  /**
   * Reads all files and compares them with their digests.
   *
   * @param references NAME:TAG, or NAME for its newest; all generations if there are none
   * @returns how many generations were checked, and what is wrong, a line each
   */
  verify(
    references: readonly string[] = [],
    { signal, onProgress }: ProgressOption & SignalOption = {},
  ): Promise<{ readonly generations: number; readonly wrong: readonly string[] }> {
    const cancel = new Cancellation('not all was checked', signal);
    return this.store.verify(references.map(parseReference), (done, total) => {
      cancel.check();
      onProgress?.(done, total);
    });
  }
}

/** How a generation is read, and the new file written. */
export interface RewriteOptions extends FormOptions, TrustOptions, ProgressOption, SignalOption {}

export interface ImportOptions extends TrustOptions, ProgressOption, SignalOption {
  /** The earlier files that the snapshot needs, as far as they are not in the same folder. */
  readonly parents?: readonly string[] | undefined;
}

/**
 * Finds the generation that a text names.
 *
 * @param text NAME:TAG, or NAME for the newest one
 * @param folder of the store
 * @returns undefined when the text cannot be such a name, or has no tag and there is no generation of that name
 * @throws InputError 'no-generation', 'no-store' for NAME:TAG that is not there
 */
export async function findGeneration(text: string, folder?: string): Promise<GenerationFiles | undefined> {
  const reference = readReference(text);
  if (reference === undefined) return undefined;
  if (reference.tag !== undefined || folder !== undefined) return (await openStore(folder)).find(text);
  try {
    return (await openStore()).find(text);
  } catch (error) {
    if (error instanceof InputError && ['no-store', 'no-generation'].includes(error.code)) return undefined;
    throw error;
  }
}

function matches({ name, tag }: Generation, reference: Reference): boolean {
  return name === reference.name && (reference.tag === undefined || tag === reference.tag);
}

/** What is encrypted or signed is not replaced by a file that is not. @throws UsageError */
function checkSeal(
  { isEncrypted, signer }: StoredSnapshot,
  { encryptTo = [], signKey }: FormOptions,
  title: string,
): void {
  if (isEncrypted === true && encryptTo.length === 0)
    throw new UsageError(`${title}: is encrypted, and would not be any more: name its recipients with --encrypt-to`);
  if (signer !== undefined && signKey === undefined)
    throw new UsageError(`${title}: is signed, and would not be any more: sign it again with --sign-key`);
}
