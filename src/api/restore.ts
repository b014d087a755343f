/** Restores a snapshot as a running program, or as an executable that continues it. */

import { resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { UsageError } from '../base/errors.js';
import { openDestination } from '../base/output.js';
import { type FdPolicy, RestoreProblems } from '../restore/grants.js';
import { Opener } from '../snapshot/opener.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { isRegistryReference } from '../transport/registry/reference.js';
import type { OutputOption, ProgressOption, SignalOption } from './common-options.js';
import type { ContinuationOptions } from './continuation-options.js';
import { keyFiles } from './key-files.js';
import type { Prepared } from './prepared.js';
import type { ProcessLimits } from './process-options.js';
import type { RegistryOptions } from './registry-options.js';
import type { ListenerOption } from './restore-grants.js';
import type { RestoreRequest } from './restored-image.js';
import type { StartOptions } from './started-workload.js';
import type { ChainOptions } from './stored-snapshot.js';
import type { StartedWorkload } from './workload.js';

export { type FdPolicy, RestoreProblems };

/** A snapshot's path, or an object that has one; or `oci://HOST/REPOSITORY[:TAG]`. */
export type SnapshotSource = string | { readonly path: string };

interface CommonOptions extends ContinuationOptions, ChainOptions, RegistryOptions, ProgressOption {
  /** Modules that the snapshot does not carry, in any order: paths, or bytes. */
  readonly modules?: readonly (string | Uint8Array)[] | undefined;
}

export interface RestoreOptions extends CommonOptions, ProcessLimits, StartOptions {
  /**
   * It begins before its memory is read, which this process does while it runs. A snapshot of one file is mapped anyway,
   * and not read before it is needed.
   */
  readonly lazy?: boolean | undefined;
}

/** For clones, which share all that none of them has written. */
export interface CloneOptions extends RestoreOptions {
  /** How many processes continue with it. */
  readonly count: number;
}

export interface RestoreImageOptions extends CommonOptions, OutputOption, SignalOption {
  /** Skip the check of files and addresses here, as the executable will run elsewhere. */
  readonly noCheck?: boolean | undefined;
}

/**
 * Continues a snapshot in a child of this process, or in `count` of them. Its standard streams are new ones.
 *
 * @throws RestoreProblems, which lists everything that is missing here; InputError, LimitError, UsageError, ToolError.
 * After each of them nothing was started
 */
export function restore(snapshot: SnapshotSource, options: CloneOptions): Promise<StartedWorkload[]>;
export function restore(snapshot: SnapshotSource, options?: RestoreOptions): Promise<StartedWorkload>;
export async function restore(
  snapshot: SnapshotSource,
  options: RestoreOptions & Partial<CloneOptions> = {},
): Promise<StartedWorkload | StartedWorkload[]> {
  const [{ startPrepared }, { startClones }] = await Promise.all([
    import('./started-workload.js'),
    import('./clones.js'),
  ]);
  const { count, lazy } = options;
  if (lazy && count !== undefined) {
    throw new UsageError('lazy and count exclude each other: clones share pages that are there');
  }
  const prepare = () => prepareSnapshot(snapshot, options, count);
  return count === undefined ? startPrepared(prepare, options) : startClones(prepare, count, options);
}

/** What continues a snapshot, not started. @throws as restore() */
export async function prepareSnapshot(
  snapshot: SnapshotSource,
  options: RestoreOptions & ListenerOption,
  count?: number,
): Promise<Prepared> {
  const { prepareRestored } = await import('./restored-image.js');
  const { stored, request, close } = await look(snapshot, options, true, count === undefined, count);
  const { maxMemory, maxStack, allowProc, lazy, onWarning, signal } = options;
  let isBrought = false;
  try {
    const more = { maxMemory, maxStack, allowProc, lazy, onLost: onWarning };
    const prepared = await prepareRestored(stored, { ...request, ...more }, false, signal);
    isBrought = stored.absent !== undefined; // by this process, which closes it then
    return prepared;
  } finally {
    if (!isBrought) close();
  }
}

/**
 * Writes an executable that continues a snapshot and needs nothing else.
 *
 * @throws RestoreProblems, which lists everything that is missing here; InputError, LimitError, UsageError, ToolError.
 * After each of them nothing was written
 */
export async function restoreImage(snapshot: SnapshotSource, options: RestoreImageOptions): Promise<void> {
  const { to, noCheck = false, signal, onProgress } = options;
  const [{ writeRestored }, { filesOf }] = await Promise.all([
    import('./restored-image.js'),
    import('./stored-snapshot.js'),
  ]);
  const cancel = new Cancellation('nothing was written', signal);
  cancel.check();
  const { stored, request, close } = await look(snapshot, options, !noCheck, false);
  try {
    cancel.check();
    const report = (done: number, total: number) => {
      cancel.check();
      onProgress?.(done, total);
    };
    const destination = openDestination(resolve(to), [...filesOf(stored), ...keyFiles(options)]);
    await writeRestored(stored, { ...request, onProgress: report }, destination);
  } finally {
    close();
  }
}

/** Reads the snapshot, and finds what is missing here. @param lazy whether pages of a registry may come later */
async function look(
  snapshot: SnapshotSource,
  options: CommonOptions & SignalOption & ListenerOption,
  check: boolean,
  lazy: boolean,
  clones?: number,
): Promise<{ stored: StoredSnapshot; request: RestoreRequest; close: () => void }> {
  const [{ checkHere }, { grantsFor }, { checkName }] = await Promise.all([
    import('./restored-image.js'),
    import('./restore-grants.js'),
    import('./process-options.js'),
  ]);
  const { arch = process.arch === 'arm64' ? 'arm64' : 'x64', dirs = [], fds = {}, modules = [], name } = options;
  const { onWarning, onProgress } = options;
  if (name !== undefined) checkName(name);
  const { stored, close } = await openStored(typeof snapshot === 'string' ? snapshot : snapshot.path, options, lazy);
  try {
    const policies = new Map(Object.entries(fds).map(([fd, policy]) => [Number(fd), policy]));
    const grants = { ...(await grantsFor(stored, { ...options, fds: policies })), clones };
    const warnings = check ? await checkHere(stored, grants, options.strictFiles ?? false) : [];
    if (onWarning !== undefined && dirs.length > 0) {
      const { cacheGrantWarnings } = await import('./cache-grant.js');
      warnings.push(...cacheGrantWarnings(dirs));
    }
    for (const warning of warnings) onWarning?.(warning);
    return { stored, request: { arch, grants, name, modules: await moduleBytes(modules), onProgress }, close };
  } catch (error) {
    close();
    throw error;
  }
}

async function openStored(
  path: string,
  options: CommonOptions & SignalOption,
  lazy: boolean,
): Promise<{ readonly stored: StoredSnapshot; close(): void }> {
  const [{ readRestorable }, { placesFor }] = await Promise.all([
    import('./restored-image.js'),
    import('./stored-snapshot.js'),
  ]);
  const places = await placesFor(options);
  if (!isRegistryReference(path)) return { stored: await readRestorable(path, places), close: () => {} };
  const { openRemote } = await import('./remote-restore.js');
  const { plainHttp, ca, signal, onProgress } = options;
  return openRemote(path, { plainHttp, ca, signal, onProgress, lazy, opener: places.opener ?? new Opener() });
}

async function moduleBytes(modules: readonly (string | Uint8Array)[]): Promise<Uint8Array[]> {
  if (modules.length === 0) return [];
  const { readProgram } = await import('./read-program.js');
  const read = modules.map((module) => readProgram(module, typeof module === 'string' ? module : 'module'));
  return (await Promise.all(read)).map(({ bytes }) => bytes);
}
