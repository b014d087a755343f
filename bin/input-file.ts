/**
 * What a file given on the command line is, by its first bytes. Decodes nothing. Needs errors.ts.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import { InputError, systemReason, ToolError } from '../src/errors.js';

export type FileKind = 'module' | 'image' | 'snapshot';

const magics: readonly (readonly [FileKind, string])[] = [
  ['module', '\0asm'],
  ['image', '\x7fELF'],
  ['snapshot', '\x7fWSNAP\r\n'],
];

/** Anything that is neither an image nor a snapshot is taken for a module: its decoder says best what is wrong. */
export function fileKind(path: string): FileKind {
  const head = Buffer.alloc(8);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(error, path);
  }
  const text = head.toString('latin1');
  return magics.find(([, magic]) => text.startsWith(magic))?.[0] ?? 'module';
}

/** The name that messages, backtraces and default output files use: the file's, without folder and ending. */
export function moduleName(path: string): string {
  return basename(path).replace(/\.(wasm|wat)$/, '');
}

/** A file that is not there or cannot be read, as the user's or the environment's fault. */
export function fileError(error: unknown, path: string): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new InputError('not-found', `${path}: no such file`);
  if (code === 'EISDIR') return new InputError('unreadable', `${path}: is a directory`);
  return new ToolError('file', `${path}: cannot be read: ${systemReason(error)}`);
}
