/** Programs of this machine, as a shell finds them. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The folders of PATH. */
export function programFolders(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter);
}

/** @param names tried in order. @returns the path of the first that is there */
export function findProgram(names: readonly string[], folders = programFolders()): string | undefined {
  for (const name of names) {
    for (const folder of folders) {
      try {
        const path = join(folder, name);
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // try the next folder
      }
    }
  }
  return undefined;
}
