/**
 * The call of wag_snap_restored, an export of the main module, that comes before everything else in a restored process.
 *
 * It is a frame at the function's entry, below the snapshot's: two stacks in one, each with registers of its own
 * (lower.ts, runtime/process/resume.ts). A snapshot that was taken in that call has its frames, and none is added.
 */

import { PLAN_GUEST_CAPTURED, PLAN_HOOK_CAPTURED } from '../image/contract/resume-plan.js';
import type { Identity } from '../image/tables/identity.js';
import type { Host, SuspendedState } from '../snapshot/host.js';
import { Frames, type Snapshot } from '../snapshot/snapshot.js';
import { isSnapshot, restoredFunction } from '../wasm/entry.js';
import { ExternKind, type Module } from '../wasm/module.js';
import { type FunctionName, resolveFunction } from './resolve-function.js';

/**
 * @param modules the module of each instance, the main one last
 * @returns undefined when there is no such function in a guest
 */
export function hookFunction(modules: readonly Module[], identity: Identity): FunctionName | undefined {
  const main = modules.length - 1;
  const index = restoredFunction(modules[main]);
  if (index === undefined) return undefined;
  const found = resolveFunction(identity, main, index);
  const isGuests = found.instance >= 0 && found.func >= modules[found.instance].importedFuncCount;
  return isGuests ? found : undefined;
}

/** The snapshot with the call of the hook on its stack, which has not begun. */
export function withHook(snapshot: Snapshot, hook: FunctionName | undefined): Snapshot {
  const { frames, host } = snapshot;
  const inHook = frames.suspended !== undefined;
  if (hook === undefined || inHook) return { ...snapshot, host: repeating(host, inHook) };
  const none = new Uint8Array(0);
  const site = { ...hook, offset: 0, kind: 'entry', locals: none, operands: none } as const;
  const siteOf = new Uint32Array(frames.count + 1);
  siteOf[0] = frames.sites.length;
  siteOf.set(frames.siteOf, 1);
  return {
    ...snapshot,
    frames: new Frames([...frames.sites, site], siteOf, frames.words),
    host: suspendedHost(host),
  };
}

/** What the frames above the hook were in is kept for them: the hook may sleep, and call the embedder. */
function suspendedHost(host: Host): Host {
  const { pendingTimeout, embedder } = host;
  const call = host.suspended?.call ?? (embedder?.isPending ? embedder.lastCall : undefined);
  const suspended: SuspendedState = {
    ...(pendingTimeout === undefined ? {} : { pendingTimeout }),
    ...(call === undefined ? {} : { call }),
  };
  return {
    ...host,
    pendingTimeout: undefined,
    suspended,
    embedder: embedder && { ...embedder, isPending: false },
  };
}

/** Without a hook: a call that is repeated, and is not the last, is not pending besides. */
function repeating(host: Host, inHook: boolean): Host {
  const { embedder, suspended } = host;
  if (inHook || embedder === undefined || suspended?.call === undefined) return host;
  return { ...host, embedder: { ...embedder, isPending: false } };
}

/** PLAN_*: of which stacks the innermost frame is about to call wag_snap.snapshot. */
export function capturedIn({ frames }: Snapshot, modules: readonly Module[]): number {
  const { suspended } = frames;
  const asks = (frame: number) => {
    const { instance, func, kind } = frames.site(frame);
    const found = kind === 'entry' ? importOf(modules[instance], func) : undefined;
    return found !== undefined && isSnapshot(found);
  };
  if (suspended === undefined) return asks(0) ? PLAN_GUEST_CAPTURED : 0;
  return (asks(0) ? PLAN_HOOK_CAPTURED : 0) | (asks(suspended) ? PLAN_GUEST_CAPTURED : 0);
}

function importOf(module: Module, func: number) {
  if (func >= module.importedFuncCount) return undefined;
  return module.imports.filter(({ kind }) => kind === ExternKind.Func)[func];
}
