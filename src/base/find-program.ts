/** Programs of this machine, as a shell finds them. */

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** @param names tried in order. @returns the path in PATH of the first that is there */
export function findProgram(...names: readonly string[]): string | undefined {
  for (const name of names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
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
