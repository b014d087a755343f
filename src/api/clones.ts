/**
 * Clones: several processes of one preparation. They have one image and map one snapshot, so pages that none has written
 * are there once; each is told its number (runtime/wasi/clone.ts), and is called by it.
 */

import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { NAME_VARIABLE, nameProblem } from '../image/workload-name.js';
import type { Prepared } from './prepared.js';
import { type StartOptions, startPrepared } from './started-workload.js';
import type { StartedWorkload } from './workload.js';

/** Of one preparation, at most: more processes than a machine has by default. */
export const CLONES_MAX = 30_000;

/** @param text as it was given, for the message. @throws UsageError */
export function checkCount(count: number, text = String(count)): number {
  if (Number.isInteger(count) && count >= 1 && count <= CLONES_MAX) return count;
  throw new UsageError(`--count ${quoted(text)}: expected a number from 1 to ${CLONES_MAX}`);
}

/**
 * A preparation in as many views as there are clones, each to be started and released as if it was the only one.
 *
 * @throws UsageError when its name is too long to have a number
 */
export function cloned(prepared: Prepared, count: number): Prepared[] {
  const { name } = prepared;
  if (name !== undefined && nameProblem(cloneName(name, count - 1)) !== undefined) {
    throw new UsageError(`--name ${quoted(name)}: it is too long to have the number of a clone after it`);
  }
  const pids: [pid: number, emulated: boolean][] = [];
  let left = count;
  return Array.from({ length: count }, (_, number) => {
    let isReleased = false;
    return {
      ...prepared,
      env: {
        ...prepared.env,
        WAGSNAP_CLONE: String(number),
        ...(name === undefined ? {} : { [NAME_VARIABLE]: cloneName(name, number) }),
      },
      started: (pid, emulated) => {
        // what all inherit is closed once all have it
        pids.push([pid, emulated]);
        if (pids.length === count) for (const each of pids) prepared.started(...each);
      },
      release: () => {
        if (isReleased) return;
        isReleased = true;
        if (--left === 0) prepared.release();
      },
    };
  });
}

function cloneName(name: string, number: number): string {
  return `${name}-${number}`;
}

/**
 * Starts them all, or none.
 *
 * @throws as startPrepared; then all that were started have ended
 */
export async function startClones(
  prepare: () => Promise<Prepared>,
  count: number,
  options: StartOptions,
): Promise<StartedWorkload[]> {
  checkCount(count);
  const prepared = await prepare();
  const started: StartedWorkload[] = [];
  try {
    for (const view of cloned(prepared, count)) started.push(await startPrepared(async () => view, options));
    return started;
  } catch (error) {
    await Promise.all(started.map((clone) => clone[Symbol.asyncDispose]()));
    prepared.release();
    throw error;
  }
}
