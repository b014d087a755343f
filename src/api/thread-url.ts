/** Where the programs of this folder's threads are. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ownPackage } from '../base/package.js';

/** A thread's program: beside this file when that was built or bundled, in the build when it runs from source. */
export function threadUrl(name: 'image-thread' | 'unpack-thread'): URL {
  const beside = new URL(`./${name}.js`, import.meta.url);
  if (existsSync(fileURLToPath(beside))) return beside;
  return new URL(`dist/src/api/${name}.js`, `file://${ownPackage().folder}/`);
}
