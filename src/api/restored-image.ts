/**
 * Makes an image that continues a snapshot: an executable to keep, or one that is started at once.
 *
 * The image of the snapshot's module comes from the cache, or is compiled: only then the compiler is loaded.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';
import { targets } from '../arch/targets.js';
import { Cancellation } from '../base/cancellation.js';
import { InputError, systemReason, ToolError } from '../base/errors.js';
import type { Destination } from '../base/output.js';
import { makeTemporaryFolder, removeTemporary, shareFolder } from '../base/temporary.js';
import { nameTemporary } from '../base/temporary-names.js';
import { ImageCache } from '../image/cache.js';
import { checkHost } from '../restore/check-host.js';
import type { Grants } from '../restore/grants.js';
import type { Ground } from '../restore/ground.js';
import { checkNotTrapped, restoreSnapshot } from '../restore/restore.js';
import { believe } from '../snapshot/belief.js';
import { locateAncestors } from '../snapshot/chain.js';
import { heldPath } from '../snapshot/held-files.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { cachedImages } from './cached-image.js';
import { resumedCall } from './invocation.js';
import { LazyRestore } from './lazy-restore.js';
import type { Prepared } from './prepared.js';
import { limitVariables, type ProcessLimits } from './process-options.js';
import { startImage } from './start.js';
import { filesOf, readOwn, type SnapshotPlaces } from './stored-snapshot.js';
import { UnpackedFiles } from './unpacked-files.js';

export interface RestoreRequest extends ProcessLimits {
  /** The CPU that the image is for. */
  readonly arch: ArchName;
  readonly grants: Grants;
  /** Binaries of the modules that the snapshot does not carry, in any order. */
  readonly modules?: readonly Uint8Array[] | undefined;
  /** The workload's new name; undefined: its captured name. */
  readonly name?: string | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** What is open already for this program. */
  readonly ground?: Ground | undefined;
  /** The process begins before its memory is read. */
  readonly lazy?: boolean | undefined;
  /** Told why the process will not get all of its memory. */
  readonly onLost?: ((why: string) => void) | undefined;
}

/** The descriptor on which the process inherits the snapshot that its memory is mapped from; its ancestors follow. */
const SOURCE_FD = 3;
/** The longest argument in bytes: every kernel takes this many. */
const SHOWN_ARGUMENTS_MAX = 1 << 16;

/**
 * Reads a snapshot that can be continued, with all of its files. If it is trusted because of its signature, all of its
 * pages are checked now.
 *
 * @param isCheckedLater whether pages are checked when they come, before anybody uses them
 * @throws InputError, LimitError, ToolError
 */
export async function readRestorable(
  path: string,
  places?: SnapshotPlaces,
  isCheckedLater = false,
): Promise<StoredSnapshot> {
  const own = await readOwn(path, places);
  checkNotTrapped(own.snapshot, path);
  const stored = await locateAncestors(own, places);
  if (!isCheckedLater) await believe(stored);
  return stored;
}

/**
 * Checks that its files and addresses are here and unchanged.
 *
 * @param strictFiles whether files that have changed, or are other files, are errors
 * @returns warnings about changed files
 * @throws RestoreProblems, which lists everything that is wrong
 */
export function checkHere(stored: StoredSnapshot, grants: Grants, strictFiles: boolean): Promise<string[]> {
  return checkHost(stored, { ...grants, strictFiles });
}

/** Writes an executable that needs no other file. @throws InputError, LimitError, ToolError */
export async function writeRestored(
  stored: StoredSnapshot,
  request: RestoreRequest,
  output: Destination | string,
): Promise<void> {
  if (stored.snapshot.call !== undefined) {
    const what = 'it is of a call (run --invoke), whose results nobody would print';
    throw new InputError('call', `${stored.path}: ${what}: restore it without -o`);
  }
  if (!isPacked(stored)) return write(stored, request, output, {});
  const folder = makeTemporaryFolder();
  const unpacking = new UnpackedFiles(stored, folder, undefined);
  try {
    await write(stored, request, output, { unpacking });
  } finally {
    unpacking.close();
    removeTemporary(folder);
  }
}

/**
 * Does all that prepareRestored() will do for a later snapshot of the same program, for nothing: what cannot be done is
 * found before the program stands still, and then it takes less time, as this thread has done it before.
 *
 * @returns milliseconds that it takes when it is not done for the first time. @throws InputError, LimitError, ToolError
 */
export async function rehearseRestored(
  stored: StoredSnapshot,
  request: () => Promise<RestoreRequest>,
): Promise<number> {
  await rehearse(stored, request);
  const start = performance.now();
  await rehearse(stored, request);
  return performance.now() - start;
}

async function rehearse(stored: StoredSnapshot, request: () => Promise<RestoreRequest>): Promise<void> {
  const requested = await request();
  const prepared = await prepareRestored(stored, requested, false);
  try {
    accessSync(prepared.image, constants.X_OK);
    if (requested.arch !== process.arch) await startEmulator(prepared.image);
  } catch (error) {
    const hint = '(is that a file system mounted noexec? TMPDIR says where)';
    throw new ToolError(
      'start',
      `${dirname(prepared.image)}: nothing can be started there: ${systemReason(error)} ${hint}`,
    );
  } finally {
    prepared.release();
  }
}

/** Starts an image up to where it looks at its environment, which it refuses: most of what an emulator takes. */
async function startEmulator(image: string): Promise<void> {
  const stdio = ['ignore', 'ignore', 'ignore'] as const;
  const { child } = await startImage(image, { env: { WAGSNAP_CLONE: '' }, argv0: image, args: [], stdio: [...stdio] });
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/**
 * Writes an image that is started at once and then deleted.
 *
 * @param isAlone whether this process is replaced by the program, so that it cannot pass on the snapshot's descriptor:
 * the image then opens the snapshot by its path. Not together with `lazy`: this process brings the pages then
 * @param signal gives up, between two steps
 * @throws InputError, LimitError, ToolError
 */
export async function prepareRestored(
  stored: StoredSnapshot,
  request: RestoreRequest,
  isAlone: boolean,
  signal?: AbortSignal,
): Promise<Prepared> {
  const cancel = new Cancellation('nothing was started', signal);
  const folder = makeTemporaryFolder();
  const sources: number[] = [];
  let lazy: LazyRestore | undefined;
  let unpacking: UnpackedFiles | undefined;
  let isBrought = false;
  const closeSources = () => {
    for (const source of sources.splice(0)) closeSync(source);
  };
  const bring = (child: ChildProcess) => {
    isBrought = true;
    lazy?.start(child);
  };
  const release = () => {
    removeTemporary(folder);
    closeSources();
    unpacking?.close();
    if (!isBrought) lazy?.close();
  };
  try {
    const image = join(folder, 'image');
    nameTemporary(image, stored.path);
    const isMapped = !isPacked(stored);
    if (stored.absent !== undefined || (request.lazy && !isMappedAsIs(stored)))
      lazy = new LazyRestore(stored, folder, request.onLost);
    else if (!isAlone && isMapped) for (const path of filesOf(stored)) sources.push(openSync(heldPath(path), 'r'));
    const isByPath = isAlone && lazy === undefined;
    const source = isByPath ? { sourcePath: resolve(stored.path) } : { sourceFd: SOURCE_FD };
    if (isMapped || lazy !== undefined) await write(stored, request, image, { ...source, lazy });
    else {
      unpacking = new UnpackedFiles(stored, folder, isAlone ? undefined : SOURCE_FD);
      await write(stored, request, image, { unpacking });
      sources.push(...(await unpacking.sources()));
    }
    const { descriptors = [...sources], env = {} } = lazy?.prepared() ?? {};
    await cancel.settle();
    const [argv0 = stored.snapshot.modules[stored.snapshot.modules.length - 1].name.replaceAll('\0', ''), ...args] =
      shownArguments(stored);
    return {
      image,
      argv0,
      name: request.name ?? stored.snapshot.name,
      args,
      env: { ...limitVariables(request), ...env },
      hostImports: stored.snapshot.host.embedder?.imports ?? [],
      descriptors,
      call: stored.snapshot.call && resumedCall(stored.snapshot.call.results),
      isTemporary: true,
      started: (pid, emulated) => {
        closeSources();
        if (emulated) shareFolder(folder, pid);
      },
      ...(lazy === undefined ? {} : { bring }),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Whether all of its pages are in one file, which is mapped: then none is read before it is needed. */
function isMappedAsIs({ packing, ancestors = [] }: StoredSnapshot): boolean {
  return packing === undefined && ancestors.length === 0;
}

/** Whether a file has to be unpacked, as a packed file cannot be mapped. */
function isPacked({ packing, ancestors = [] }: StoredSnapshot): boolean {
  return packing !== undefined || ancestors.some((file) => file.packing !== undefined);
}

function write(
  stored: StoredSnapshot,
  request: RestoreRequest,
  output: Destination | string,
  source: {
    readonly sourcePath?: string;
    readonly sourceFd?: number;
    readonly lazy?: LazyRestore | undefined;
    readonly unpacking?: UnpackedFiles;
  },
): Promise<void> {
  const { arch, grants, modules, name, maxMemory, maxStack, onProgress, ground } = request;
  return restoreSnapshot(stored, {
    target: targets[arch],
    modules,
    ...(ground === undefined ? {} : { ground }),
    ...grants,
    name,
    maxMemory,
    maxStack,
    images: cachedImages(new ImageCache(), { onCompile: () => source.unpacking?.begin() }),
    ...(onProgress === undefined ? {} : { onProgress }),
    output,
    ...source,
  });
}

/**
 * The program's arguments as the kernel shall show them; the program itself has them from the snapshot. Arguments after
 * one that is too long for the kernel are left out.
 */
function shownArguments({ snapshot }: StoredSnapshot): string[] {
  const shown: string[] = [];
  let room = SHOWN_ARGUMENTS_MAX;
  for (const arg of snapshot.host.args) {
    const text = Buffer.from(arg).toString();
    room -= Buffer.byteLength(text) + 1;
    if (room < 0) break;
    shown.push(text);
  }
  return shown;
}
