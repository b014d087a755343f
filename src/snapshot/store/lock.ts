/**
 * The lock of a store: one tool at a time may change it, for a moment.
 *
 *     lock/            empty, or not there: nobody
 *     lock/OWNER       the tool with that name (temporary.ts)
 *
 * A tool takes the lock by renaming a folder with its own name in it onto `lock`. rename(2) refuses that when `lock` is
 * there and not empty. The lock is released, or taken from a killed tool, by removing the owner's name. So no tool can
 * release the lock of another by mistake.
 */

import { mkdirSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError, writeFailure } from '../../base/errors.js';
import { isLeftOver, ownName } from '../../base/temporary.js';

/** How long to wait for the lock, in milliseconds: a change takes a few, but a disk may be slow. */
const PATIENCE = 60_000;
const LONGEST_PAUSE = 50;

/** Runs `change` while nobody else changes the store. @throws ToolError 'store-busy' */
export async function locked<T>(store: string, change: () => T | Promise<T>): Promise<T> {
  const name = await take(store);
  try {
    return await change();
  } finally {
    give(store, name);
  }
}

async function take(store: string): Promise<string> {
  const deadline = performance.now() + PATIENCE;
  const name = ownName();
  const own = join(store, `.${name}.tmp`);
  const lock = join(store, 'lock');
  try {
    mkdirSync(own);
    writeFileSync(join(own, name), '');
    for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        renameSync(own, lock);
        return name;
      } catch (error) {
        if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
      const owner = ownerOf(lock);
      if (owner !== undefined && isLeftOver(join(lock, owner))) remove(join(lock, owner));
      else if (performance.now() > deadline) throw busy(store, owner);
      else await sleep(pause);
    }
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    throw error instanceof ToolError ? error : writeFailure(lock, error);
  }
}

function ownerOf(lock: string): string | undefined {
  try {
    return readdirSync(lock)[0];
  } catch {
    return undefined; // released at this moment
  }
}

function give(store: string, name: string): void {
  remove(join(store, 'lock', name));
}

/** Never fails: a name that is not there has been removed. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // the folder is not writable any more: the next tool finds that this process has ended
  }
}

function busy(store: string, owner = 'somebody'): ToolError {
  return new ToolError(
    'store-busy',
    `${store}: another tool has been changing it for ${PATIENCE / 1000} seconds: try again, or remove ${join(store, 'lock', owner)} if that tool is gone`,
  );
}
