/** A folder that a receiver or a node grants for as long as it runs. */

import { statSync } from 'node:fs';
import { InputError, reading } from '../base/errors.js';

/** @param option as the user has given it. @throws InputError 'no-folder' when there is none at that path now */
export function checkFolder(option: string, path: string): void {
  const found = reading(path, () => statSync(path, { throwIfNoEntry: false }));
  if (found?.isDirectory()) return;
  const why = found === undefined ? 'there is no such folder' : 'it is no folder';
  throw new InputError('no-folder', `--dir ${option}: ${why}`);
}
