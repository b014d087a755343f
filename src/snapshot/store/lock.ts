/**
 * Who may change a store: one tool at a time, for the moment that it takes.
 *
 *     lock/            empty, or not there: nobody
 *     lock/OWNER       the tool with that name (temporary.ts)
 *
 * It is taken by renaming a folder that has the owner's name in it onto `lock`, which rename(2) refuses when there is
 * one that is not empty. It is given back, or taken from a tool that was killed, by removing that very name: so nobody
 * can remove another one's by mistake.
 */

import { mkdirSync, readdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError, writeFailure } from '../../base/errors.js';
import { isLeftOver, ownName } from '../../base/temporary.js';

/** Milliseconds: a store is changed within a few, but a disk may be slow. */
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
    return undefined; // given back at this moment
  }
}

function give(store: string, name: string): void {
  remove(join(store, 'lock', name));
}

/** Never fails: what is not there has been given back. */
function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // a folder that may not be written to any more: whoever comes next finds that this process has ended
  }
}

function busy(store: string, owner = 'somebody'): ToolError {
  return new ToolError(
    'store-busy',
    `${store}: another tool has been changing it for ${PATIENCE / 1000} seconds: try again, or remove ${join(store, 'lock', owner)} if that tool is gone`,
  );
}
