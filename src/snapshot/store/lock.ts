/**
 * The lock of a store: one tool at a time may change it, for a moment.
 *
 *     lock/            empty, or not there: nobody
 *     lock/OWNER       the tool with that name (temporary.ts)
 *
 * A tool takes the lock by renaming a folder with its own name in it onto `lock`. rename(2) refuses that when `lock` is
 * there and not empty. The lock is released, or taken from a killed tool, by removing the owner's name. So no tool can
 * release the lock of another by mistake.
 *
 * A tool of another machine, of another container, or from before the last boot cannot be asked whether it lives. It
 * writes to the file with its name every few seconds. If it has not done so for a while by the file system's clock, the
 * lock is taken from it. It notices that before it changes anything (Held).
 */

import {
  closeSync,
  type Dirent,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, ToolError, WagSnapError, writeFailure } from '../../base/errors.js';
import { ownerState, ownName, removeTemporary } from '../../base/temporary.js';
import { terminalText } from '../../base/terminal-text.js';

/** How long to wait for the lock, in milliseconds: a change takes a few, but a disk may be slow. */
const PATIENCE = 60_000;
const LONGEST_PAUSE = 50;
/** How often the owner says that it lives, and how long it may be silent, in milliseconds. */
const SIGN_OF_LIFE = 10_000;
const SILENCE = 120_000;

/** Names of this process that a failing disk has left in locks: it needs them no more. */
const left = new Set<string>();

/** Throws a ToolError if the lock was taken from this tool. To be called right before the store changes. */
export type Held = () => void;

/** Runs `change` while nobody else changes the store. @throws ToolError 'store-busy' */
export async function locked<T>(store: string, change: (held: Held) => T | Promise<T>): Promise<T> {
  const name = await take(store);
  const path = join(store, 'lock', name);
  const alive = setInterval(() => showLife(path), SIGN_OF_LIFE);
  alive.unref();
  try {
    return await change(() => {
      if (!existsSync(path)) throw busy(store);
    });
  } finally {
    clearInterval(alive);
    if (!remove(path)) left.add(name);
  }
}

function showLife(path: string): void {
  try {
    const fd = openSync(path, 'r+'); // not to make it again
    try {
      writeSync(fd, '.', 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    // The lock was taken from us, which Held finds out; or the disk fails, as the change will.
  }
}

async function take(store: string): Promise<string> {
  const deadline = performance.now() + PATIENCE;
  const name = ownName();
  const own = join(store, `.${name}.tmp`);
  const lock = join(store, 'lock');
  try {
    mkdirSync(own, 0o700);
    writeFileSync(join(own, name), '');
    for (let pause = 1; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        renameSync(own, lock);
        return name;
      } catch (error) {
        if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
      const owner = ownerOf(lock);
      const isFree = owner !== undefined && (left.has(owner) || isAbandoned(join(lock, owner), join(own, name)));
      if (isFree && remove(join(lock, owner))) continue;
      if (performance.now() > deadline) throw busy(store, owner);
      await sleep(pause);
    }
  } catch (error) {
    removeTemporary(own);
    throw error instanceof WagSnapError ? error : writeFailure(lock, error);
  }
}

/** @throws InputError when the lock is none of ours */
function ownerOf(lock: string): string | undefined {
  const owner = firstIn(lock);
  if (owner !== undefined && !owner.isFile())
    throw new InputError(
      'store',
      `${terminalText(join(lock, owner.name))}: is no file, where only files of tools can be: remove it`,
    );
  return owner?.name;
}

function firstIn(folder: string): Dirent | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true })[0];
  } catch {
    return undefined; // released at this moment
  }
}

/** @param ours a file of our own on the same file system, whose clock tells how long the owner is silent */
function isAbandoned(path: string, ours: string): boolean {
  const state = ownerState(path);
  if (state !== 'unknown') return state === 'ended';
  try {
    writeFileSync(ours, '.');
    return statSync(ours).mtimeMs - lstatSync(path).mtimeMs > SILENCE;
  } catch {
    return false; // released at this moment
  }
}

/** @returns false when it is still there. Then the next tool finds that this process has ended, or this one tries again */
function remove(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

function busy(store: string, owner = 'somebody'): ToolError {
  return new ToolError(
    'store-busy',
    `${store}: another tool has been changing it for ${PATIENCE / 1000} seconds: try again, or remove ${terminalText(join(store, 'lock', owner))} if that tool is gone`,
  );
}
