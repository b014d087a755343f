/** What the system says about a file that is read, as an error of ours. */

import { InputError, systemReason, ToolError } from './errors.js';

/** A file that is not there or cannot be read, as the user's or the environment's fault. */
export function fileError(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const hint = /^\d+$/.test(path) ? `; a running process is captured first: wag-snap capture ${path}` : '';
    return new InputError('not-found', `${path}: no such file${hint}`);
  }
  if (code === 'EISDIR') return new InputError('unreadable', `${path}: is a directory`);
  if (code === 'ENXIO') return new InputError('unreadable', `${path}: is a socket or a device that is not there`);
  return new ToolError('file', `${path}: cannot be read: ${systemReason(error)}`);
}
