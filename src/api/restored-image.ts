/**
 * Makes an image that continues a snapshot: an executable to keep, or one that is started at once.
 *
 * Loads the compiler: the image of the snapshot's module comes from the cache, or is compiled.
 */

import { closeSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ArchName } from '../arch/masm/target.js';
import { targets } from '../arch/targets.js';
import { Cancellation } from '../base/cancellation.js';
import { InputError } from '../base/errors.js';
import type { Destination } from '../base/output.js';
import { makeTemporaryFolder, nameTemporary, removeTemporary, shareFolder } from '../base/temporary.js';
import { ImageCache } from '../image/cache.js';
import { checkHost } from '../restore/check-host.js';
import type { Grants } from '../restore/grants.js';
import { checkNotTrapped, restoreSnapshot } from '../restore/restore.js';
import { type ChainPlaces, locateAncestors } from '../snapshot/chain.js';
import { readSnapshot } from '../snapshot/format.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { cachedImages } from './cached-image.js';
import { resumedCall } from './invocation.js';
import type { Prepared } from './prepared.js';
import { limitVariables, type ProcessLimits } from './process-options.js';
import { filesOf } from './stored-snapshot.js';

export interface RestoreRequest extends ProcessLimits {
  /** The CPU that the image is for. */
  readonly arch: ArchName;
  readonly grants: Grants;
  /** Binaries of the modules that the snapshot does not carry, in any order. */
  readonly modules?: readonly Uint8Array[] | undefined;
  /** The workload's new name; undefined: its captured name. */
  readonly name?: string | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The descriptor on which the process inherits the snapshot that its memory is mapped from; its ancestors follow. */
const SOURCE_FD = 3;
/** The longest argument in bytes: every kernel takes this many. */
const SHOWN_ARGUMENTS_MAX = 1 << 16;

/** Reads a snapshot that can be continued, with all of its files. @throws InputError, ToolError */
export function readRestorable(path: string, places?: ChainPlaces): StoredSnapshot {
  const stored = readSnapshot(path);
  checkNotTrapped(stored.snapshot, path);
  return locateAncestors(stored, places);
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
  await write(stored, request, output, {});
}

/**
 * Writes an image that is started at once and then deleted.
 *
 * @param isAlone whether this process is replaced by the program, so that it cannot pass on the snapshot's descriptor:
 * the image then opens the snapshot by its path
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
  const closeSources = () => {
    for (const source of sources.splice(0)) closeSync(source);
  };
  const release = () => {
    removeTemporary(folder);
    closeSources();
  };
  try {
    const image = join(folder, 'image');
    nameTemporary(image, stored.path);
    if (!isAlone) for (const path of filesOf(stored)) sources.push(openSync(path, 'r'));
    await write(stored, request, image, isAlone ? { sourcePath: resolve(stored.path) } : { sourceFd: SOURCE_FD });
    await cancel.settle();
    const [argv0 = stored.snapshot.modules[stored.snapshot.modules.length - 1].name.replaceAll('\0', ''), ...args] =
      shownArguments(stored);
    return {
      image,
      argv0,
      name: request.name ?? stored.snapshot.name,
      args,
      env: limitVariables(request),
      hostImports: stored.snapshot.host.embedder?.imports ?? [],
      descriptors: [...sources],
      call: stored.snapshot.call && resumedCall(stored.snapshot.call.results),
      isTemporary: true,
      started: (pid, emulated) => {
        closeSources();
        if (emulated) shareFolder(folder, pid);
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function write(
  stored: StoredSnapshot,
  request: RestoreRequest,
  output: Destination | string,
  source: { readonly sourcePath?: string; readonly sourceFd?: number },
): Promise<void> {
  const { arch, grants, modules, name, maxMemory, maxStack, onProgress } = request;
  return restoreSnapshot(stored, {
    target: targets[arch],
    modules,
    ...grants,
    name,
    maxMemory,
    maxStack,
    images: cachedImages(new ImageCache()),
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
