/** The user's folders (XDG Base Directory Specification, 0.8). */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { ToolError } from './errors.js';

const FOLDERS = {
  XDG_CACHE_HOME: '.cache',
  XDG_CONFIG_HOME: '.config',
  XDG_DATA_HOME: '.local/share',
  XDG_STATE_HOME: '.local/state',
} as const;
type Variable = keyof typeof FOLDERS;

/**
 * Our folder below one of the user's. Relative paths in the variable are ignored, as the specification wants it.
 *
 * @returns undefined for a user without a home
 */
export function findUserFolder(variable: Variable, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = env[variable];
  if (given?.startsWith('/')) return join(given, 'wag-snap');
  try {
    return join(homedir(), FOLDERS[variable], 'wag-snap');
  } catch {
    return undefined;
  }
}

/** The same. @throws ToolError for a user without a home */
export function userFolder(variable: Variable): string {
  const folder = findUserFolder(variable);
  if (folder === undefined) throw new ToolError('home', `this user has no home directory: set HOME or ${variable}`);
  return folder;
}
