/** Where the programs of threads are. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ownPackage } from './package.js';

/**
 * A thread's program: beside this file when it is bundled, else in the build.
 *
 * @param path of its source from the package's folder, without `.ts`. Names of files are unique: the bundle has no folders
 */
export function threadUrl(path: string): URL {
  const beside = new URL(`.${path.slice(path.lastIndexOf('/'))}.js`, import.meta.url);
  if (existsSync(fileURLToPath(beside))) return beside;
  return new URL(`dist/${path}.js`, `file://${ownPackage().folder}/`);
}
