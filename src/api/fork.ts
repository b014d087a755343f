/** Clones of a running program, which runs on. */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { pathOfDescriptor } from '../base/path-descriptor.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { nameTemporary } from '../base/temporary-names.js';
import type { ImageProcess } from '../capture/process.js';
import { RestoreProblems } from '../restore/grants.js';
import type { ProgressOption, SignalOption, WarningOption } from './common-options.js';
import { attachGiven } from './find-process.js';
import { type RestoreOptions, restore } from './restore.js';
import type { StartedWorkload } from './workload.js';

/** Paths are those of this host. */
export interface ForkOptions extends Omit<RestoreOptions, 'parents' | 'search' | 'modules' | 'lazy'> {
  /** How many; 1 if not given. */
  readonly count?: number | undefined;
  /** Milliseconds that the program may stand still, as far as possible; 20 if not given. */
  readonly pauseBudget?: number | undefined;
}

/** How it is copied. */
export interface CopyOptions extends WarningOption, ProgressOption, SignalOption {
  readonly pauseBudget?: number | undefined;
}

/**
 * Starts clones of a running program, as `restore` with `count` does of a snapshot.
 *
 * @param workload it, or its pid, or the name that it was given
 * @throws as capture and restore; it continues then, and nothing was started
 */
export async function fork(
  workload: { readonly pid: number } | number | string,
  { count = 1, pauseBudget, ...options }: ForkOptions = {},
): Promise<StartedWorkload[]> {
  const { signal, onWarning } = options;
  const process = await attachGiven(String(typeof workload === 'object' ? workload.pid : workload), signal);
  try {
    return await withCopy(process, { pauseBudget, signal, onWarning }, (path) => restore(path, { ...options, count }));
  } finally {
    process.close();
  }
}

/**
 * Copies a running program, which stands still for a moment, into a snapshot that lives for as long as `use` takes. It is
 * never made durable, and has no name.
 *
 * @param use gets the path that it has in this process
 */
export async function withCopy<T>(
  process: ImageProcess,
  options: CopyOptions,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const [{ captureProcess }, folder] = [await import('../capture/capture.js'), makeTemporaryFolder()];
  const { pauseBudget, signal, onWarning, onProgress } = options;
  let copy = -1;
  try {
    await captureProcess(process, {
      output: join(folder, 'snapshot'),
      ...(pauseBudget === undefined ? {} : { pauseBudget }),
      ...(signal ? { signal } : {}),
      ...(onWarning ? { onWarning } : {}),
      ...(onProgress ? { onProgress } : {}),
      taker: {
        round: async () => {},
        take: async (_stopped, { fd }) => {
          copy = openSync(pathOfDescriptor(fd), 'r');
        },
      },
    });
    nameTemporary(pathOfDescriptor(copy), `pid ${process.pid}`);
    return await use(pathOfDescriptor(copy));
  } catch (error) {
    if (!(error instanceof RestoreProblems)) throw error;
    throw new RestoreProblems(`pid ${process.pid}`, error.problems);
  } finally {
    if (copy >= 0) closeSync(copy);
    removeTemporary(folder);
  }
}
