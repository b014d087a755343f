/**
 * Creates folders with those above them. Node's own recursive mkdir never ends below a file system that answers ENOENT
 * whatever is there, as /proc does.
 */

import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** For their owner only: what is kept in them is a user's own. */
const MODE = 0o700;

/**
 * @returns the first folder that was created; undefined when all were there
 * @throws the system's error; ENOTDIR when one of them is something else
 */
export function createFolders(path: string): string | undefined {
  const whole = resolve(path);
  let first: string | undefined;
  try {
    return create(whole) ? whole : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(whole) === whole) throw error;
    first = createFolders(dirname(whole));
  }
  return create(whole) ? (first ?? whole) : first;
}

/** @returns false when it is there */
function create(path: string): boolean {
  try {
    mkdirSync(path, MODE);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (statSync(path).isDirectory()) return false;
    throw Object.assign(error as Error, { code: 'ENOTDIR' });
  }
}
