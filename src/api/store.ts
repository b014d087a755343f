/** Snapshots by name and generation, in a folder that any tool for OCI images can read (snapshot/store/store.ts). */

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { BugError, InputError } from '../base/errors.js';
import { openDestination } from '../base/output.js';
import { parseReference, type Reference, readReference } from '../snapshot/store/reference.js';
import {
  type Generation,
  type GenerationFiles,
  noGeneration,
  type Removed,
  SnapshotStore,
} from '../snapshot/store/store.js';
import { type Capturable, type CaptureOptions, type CaptureReport, capture } from './capture.js';
import type { OutputOption, ProgressOption, SignalOption } from './common-options.js';

export type { Generation, GenerationFiles, Removed };

/** The most files in the chain of a generation. After that the next one is whole, as restore opens all of them. */
const CHAIN_MAX = 16;
const NEW = 'snapshot.wsnap';

/** What is written goes to the store; the rest is as for capture. */
export interface StoreCaptureOptions extends Omit<CaptureOptions, 'to' | 'parent' | 'search' | 'onDurable'> {
  /** Write the whole snapshot, even if an earlier generation contains most of it. */
  readonly whole?: boolean | undefined;
}

export interface StoredCapture {
  readonly generation: Generation;
  readonly report: CaptureReport;
}

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
  const data = process.env['XDG_DATA_HOME'];
  return join(data?.startsWith('/') ? data : join(homedir(), '.local', 'share'), 'wag-snap', 'store');
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
    { whole = false, ...options }: StoreCaptureOptions = {},
  ): Promise<StoredCapture> {
    const target = parseReference(reference);
    const ingest = this.store.ingest();
    let generation: Generation | undefined;
    const onDurable = async () => {
      generation = await this.store.add(ingest, NEW, target);
      return `${generation.name}:${generation.tag} (${this.folder})`;
    };
    try {
      const parent = whole ? undefined : this.keepNewest(target, ingest);
      const to = ingest.pathOf(NEW);
      const take = (own: { parent?: string }) => capture(workload, { ...options, ...own, to, onDurable });
      const report = await (parent === undefined
        ? take({})
        : take({ parent }).catch((error) => {
            if (error instanceof InputError && error.code === 'wrong-parent') return take({}); // of another program
            throw error;
          }));
      if (generation === undefined) throw new BugError('a capture has ended that is not durable');
      return { generation, report };
    } finally {
      ingest.close();
    }
  }

  /** Keeps the files of the newest generation. @returns its path; undefined when the next generation is to be whole */
  private keepNewest({ name }: Reference, ingest: ReturnType<SnapshotStore['ingest']>): string | undefined {
    const newest = this.store.find({ name, tag: undefined });
    if (newest === undefined || newest.parents.length + 1 >= CHAIN_MAX) return undefined;
    const [own] = [newest.path, ...newest.parents].map((path) => ingest.keep(this.store.blobs.digestOf(path) ?? ''));
    return own;
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
    { parents = [], signal, onProgress }: ImportOptions = {},
  ): Promise<Generation> {
    const target = parseReference(reference);
    const { openSnapshot, filesOf } = await import('./stored-snapshot.js');
    const stored = openSnapshot(path, { parents });
    const cancel = new Cancellation('the store is as before', signal);
    const ingest = this.store.ingest();
    try {
      ingest.copy(path, NEW);
      let done = 0;
      return await this.store.add(ingest, NEW, target, filesOf(stored).slice(1), (bytes) => {
        cancel.check();
        done += bytes;
        onProgress?.(done, stored.size);
      });
    } finally {
      ingest.close();
    }
  }

  /**
   * Writes a generation as one file that needs no other.
   *
   * @throws InputError when it is damaged or not there; ToolError
   */
  async export(
    reference: string,
    { to, signal, onProgress }: OutputOption & ProgressOption & SignalOption,
  ): Promise<void> {
    const { path, parents } = this.find(reference);
    const [{ openSnapshot }, { compactOpened }] = await Promise.all([
      import('./stored-snapshot.js'),
      import('./compact.js'),
    ]);
    const stored = openSnapshot(path, { parents });
    await compactOpened(stored, openDestination(resolve(to), [path, ...parents]), { signal, onProgress });
  }

  /** Rewrites a generation to one file that needs no other. Generations that need its old files keep them. */
  async compact(reference: string, { signal, onProgress }: ProgressOption & SignalOption = {}): Promise<Generation> {
    const { generation } = this.find(reference);
    const ingest = this.store.ingest();
    try {
      await this.export(reference, { to: ingest.pathOf(NEW), signal, onProgress });
      return await this.store.add(ingest, NEW, { name: generation.name, tag: generation.tag });
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
    const now = Date.now();
    return this.store.remove((all) => {
      const stays = new Map<string, number>();
      // of two captured at the same moment, the later one in the index is newer
      const newestFirst = [...all].reverse().sort((a, b) => b.facts.created.getTime() - a.facts.created.getTime());
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

export interface ImportOptions extends ProgressOption, SignalOption {
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
