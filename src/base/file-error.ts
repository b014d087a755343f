/** Turns the system's error about an input file into one of ours. */

import { InputError, systemReason, ToolError } from './errors.js';

/** A missing or wrong file is the user's fault (InputError), everything else the environment's (ToolError). */
export function fileError(error: unknown, path: string): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const hint = captureHint(path);
    return new InputError('not-found', `${path}: no such file${hint === undefined ? '' : `; ${hint}`}`);
  }
  if (code === 'EISDIR') return new InputError('unreadable', `${path}: is a directory`);
  if (code === 'ENXIO') return new InputError('unreadable', `${path}: is a socket or a device that is not there`);
  return new ToolError('file', `${path}: cannot be read: ${systemReason(error)}`);
}

/** What to do with the pid of a process where a file is wanted; undefined for what is no number. */
export function captureHint(name: string): string | undefined {
  return /^\d+$/.test(name) ? `a running process is captured first: wag-snap capture ${name}` : undefined;
}
