/** Restores a snapshot as a running program, or as an executable that continues it. */

import { resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { openDestination } from '../base/output.js';
import { type FdPolicy, RestoreProblems } from '../restore/grants.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { OutputOption, ProgressOption, SignalOption } from './common-options.js';
import type { ContinuationOptions } from './continuation-options.js';
import type { ProcessLimits } from './process-options.js';
import type { RestoreRequest } from './restored-image.js';
import type { StartOptions } from './started-workload.js';
import type { ChainOptions } from './stored-snapshot.js';
import type { StartedWorkload } from './workload.js';

export { type FdPolicy, RestoreProblems };

/** A snapshot's path, or an object that has one. */
export type SnapshotSource = string | { readonly path: string };

interface CommonOptions extends ContinuationOptions, ChainOptions, ProgressOption {
  /** Modules that the snapshot does not carry, in any order: paths, or bytes. */
  readonly modules?: readonly (string | Uint8Array)[] | undefined;
}

export interface RestoreOptions extends CommonOptions, ProcessLimits, StartOptions {}

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
  const [{ prepareRestored }, { startPrepared }, { startClones }] = await Promise.all([
    import('./restored-image.js'),
    import('./started-workload.js'),
    import('./clones.js'),
  ]);
  const { count } = options;
  const prepare = async () => {
    const { stored, request } = await look(snapshot, options, true, count);
    const { maxMemory, maxStack, allowProc, signal } = options;
    return prepareRestored(stored, { ...request, maxMemory, maxStack, allowProc }, false, signal);
  };
  return count === undefined ? startPrepared(prepare, options) : startClones(prepare, count, options);
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
  const { stored, request } = await look(snapshot, options, !noCheck);
  cancel.check();
  const report = (done: number, total: number) => {
    cancel.check();
    onProgress?.(done, total);
  };
  await writeRestored(stored, { ...request, onProgress: report }, openDestination(resolve(to), filesOf(stored)));
}

/** Reads the snapshot, and finds what is missing here. */
async function look(
  snapshot: SnapshotSource,
  options: CommonOptions,
  check: boolean,
  clones?: number,
): Promise<{ stored: StoredSnapshot; request: RestoreRequest }> {
  const [{ checkHere, readRestorable }, { grantsFor }, { checkName }] = await Promise.all([
    import('./restored-image.js'),
    import('./restore-grants.js'),
    import('./process-options.js'),
  ]);
  const { arch = process.arch === 'arm64' ? 'arm64' : 'x64', dirs = [], fds = {}, modules = [], name } = options;
  const { onWarning, onProgress } = options;
  if (name !== undefined) checkName(name);
  const { parents, search } = options;
  const stored = readRestorable(typeof snapshot === 'string' ? snapshot : snapshot.path, { parents, search });
  const policies = new Map(Object.entries(fds).map(([fd, policy]) => [Number(fd), policy]));
  const grants = { ...(await grantsFor(stored, { ...options, fds: policies })), clones };
  const warnings = check ? await checkHere(stored, grants, options.strictFiles ?? false) : [];
  if (onWarning !== undefined && dirs.length > 0) {
    const { cacheGrantWarnings } = await import('./cache-grant.js');
    warnings.push(...cacheGrantWarnings(dirs));
  }
  for (const warning of warnings) onWarning?.(warning);
  return { stored, request: { arch, grants, name, modules: await moduleBytes(modules), onProgress } };
}

async function moduleBytes(modules: readonly (string | Uint8Array)[]): Promise<Uint8Array[]> {
  if (modules.length === 0) return [];
  const { readProgram } = await import('./read-program.js');
  const read = modules.map((module) => readProgram(module, typeof module === 'string' ? module : 'module'));
  return (await Promise.all(read)).map(({ bytes }) => bytes);
}
