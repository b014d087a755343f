/** Snapshots by name and generation, in a folder that any tool for OCI images can read (snapshot/store/store.ts). */

import { join, resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { UsageError } from '../base/errors.js';
import { openDestination } from '../base/output.js';
import { userFolder } from '../base/user-folders.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { Generation, GenerationFiles } from '../snapshot/store/generation.js';
import type { Ingest } from '../snapshot/store/ingest.js';
import { parseReference, type Reference, referenceText, tagNumber } from '../snapshot/store/reference.js';
import { noGeneration, type Removed, SnapshotStore } from '../snapshot/store/store.js';
import { checkSubject } from '../snapshot/trust/policy.js';
import type { Capturable } from './capture.js';
import type { OutputOption, ProgressOption, SignalOption } from './common-options.js';
import { hold } from './held-generation.js';
import { keyFiles } from './key-files.js';
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
  /** Names whose generations are pruned; default, and if there are none: all. */
  readonly names?: readonly string[] | undefined;
  /** How many of the newest generations of each name stay; default: 1. */
  readonly keep?: number | undefined;
  /** Generations younger than this stay, in milliseconds. */
  readonly olderThan?: number | undefined;
  /** Only those with a number from the store. A tag that somebody has chosen stays. */
  readonly numbered?: boolean | undefined;
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
   * Lists generations by name, the newest of each name last.
   *
   * @param references NAME:TAG, or NAME for all generations of that name; all if there are none
   * @throws InputError 'no-generation' when one is not there, others when the store is damaged; ToolError
   */
  list(references: readonly string[] = []): Generation[] {
    const all = this.store.list();
    return references.length === 0 ? all : this.pick(all, references.map(parseReference));
  }

  /** @throws InputError 'no-generation' for a reference that fits none */
  private expect(all: readonly Generation[], references: readonly Reference[]): void {
    const missing = references.find((reference) => !all.some((one) => matches(one, reference)));
    if (missing !== undefined) throw noGeneration(this.store, missing);
  }

  /** @throws as expect */
  private pick(all: readonly Generation[], references: readonly Reference[]): Generation[] {
    this.expect(all, references);
    return all.filter((one) => references.some((reference) => matches(one, reference)));
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
   *   InputError when the file is no snapshot, a byte of it or of the others has changed, or files are missing; 'foreign'
   *   when another tool has put what has that name there; ToolError
   */
  async import(
    path: string,
    reference: string,
    { parents = [], search, signal, onProgress, ...trust }: ImportOptions = {},
  ): Promise<Generation> {
    const target = parseReference(reference);
    const [{ openSnapshot, filesOf }, { verifySnapshot }] = await Promise.all([
      import('./stored-snapshot.js'),
      import('../snapshot/verify.js'),
    ]);
    const opener = await openerFor(trust);
    const stored = await openSnapshot(path, { parents, search, opener, name: target.name });
    const cancel = new Cancellation('the store is as before', signal);
    const ingest = this.store.ingest();
    try {
      await ingest.copy(path, NEW, () => cancel.check());
      const files = filesOf(stored).slice(1);
      const copy = await openSnapshot(ingest.pathOf(NEW), { parents: files, opener, name: target.name });
      if (!copy.mustBeSigned) await verifySnapshot(copy, () => cancel.check()); // else add() does
      let done = 0;
      const onBytes = (bytes: number) => {
        cancel.check();
        done += bytes;
        onProgress?.(done, stored.size);
      };
      return await this.store.add(ingest, NEW, target, { parents: files, opener, onBytes });
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
    const { found, files } = hold(this.store, parseReference(reference));
    try {
      await this.rewrite(found, options.to, await readKeys(options));
    } finally {
      files.close();
    }
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
    const destination = openDestination(resolve(to), [path, ...parents, ...keyFiles(options)]);
    await compactOpened(stored, destination, { form, signal, onProgress });
    return new Date(stored.snapshot.created);
  }

  /**
   * Rewrites a generation to one file that needs no other. Generations that need its old files keep them.
   *
   * @throws UsageError when it is encrypted or signed, and the new file would not be; InputError 'changed' when another
   *   tool has replaced or removed it meanwhile; as export
   */
  async compact(reference: string, given: RewriteOptions = {}): Promise<Generation> {
    const options = await readKeys(given);
    const { found, files } = hold(this.store, parseReference(reference));
    const { name, tag } = found.generation;
    let ingest: Ingest | undefined;
    try {
      ingest = this.store.ingest();
      const created = await this.rewrite(found, ingest.pathOf(NEW), options, true);
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
      ingest?.close();
      files.close();
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
    return this.store.remove((all) => this.pick(all, parsed));
  }

  /**
   * Removes all generations that are not to stay, and all files that nothing needs, also those that killed tools have
   * left.
   *
   * @throws InputError 'no-generation' for a name that has none; ToolError. Then none was removed
   */
  prune({ names = [], keep = 1, olderThan, numbered = false, dryRun }: PruneOptions = {}): Promise<Removed> {
    if (!(Number.isInteger(keep) && keep >= 0)) throw new UsageError(`keep ${keep}: expected a number, from 0 on`);
    if (olderThan !== undefined && !(olderThan >= 0)) {
      throw new UsageError(`olderThan ${olderThan}: expected milliseconds`);
    }
    const now = Date.now();
    const wanted = names.map((name) => ({ name, tag: undefined }));
    return this.store.remove((all) => {
      this.expect(all, wanted);
      const stays = new Map<string, number>();
      // of two captured at the same moment, the later one in the index is newer
      const newestFirst = [...all].reverse().sort((a, b) => b.facts.order.getTime() - a.facts.order.getTime());
      return newestFirst.filter(({ name, tag, facts }) => {
        if (numbered && Number.isNaN(tagNumber(tag))) return false;
        const before = stays.get(name) ?? 0;
        stays.set(name, before + 1);
        if (before < keep || (names.length > 0 && !names.includes(name))) return false;
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
  /** Folders to search for them. */
  readonly search?: readonly string[] | undefined;
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
