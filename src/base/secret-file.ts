/** Files with keys. */

import { linkSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFailure } from './errors.js';
import { syncFolder } from './output.js';
import { temporaryPath } from './temporary.js';

/**
 * Writes a file for its owner only, durably, whole or not at all: what is encrypted with a key is lost with it. Keeps one
 * that exists already. @throws ToolError
 */
export function createSecret(path: string, text: string): void {
  const temporary = temporaryPath(path);
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
    try {
      linkSync(temporary, path);
      syncFolder(dirname(path));
    } finally {
      unlinkSync(temporary);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeFailure(path, error);
  }
}
