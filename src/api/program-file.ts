/** Turns the program that `run` is given into a file: a path, or bytes in a temporary file. */

import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/errors.js';
import { fileError } from '../base/file-error.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { nameTemporary } from '../base/temporary-names.js';
import { fileType, HEAD_SIZE } from './file-kind.js';
import type { ProgramFile } from './program.js';

/** A path; the bytes of a module, component or image; or an image that `compile` returned. */
export type ProgramSource = string | Uint8Array | { readonly path: string | undefined; bytes(): Uint8Array };

const UNNAMED = 'program';

/**
 * @param name for messages, and as the program's argument 0; default: the path
 * @throws InputError 'wrong-kind' when it is no module, component or image, or cannot be read
 */
export function programFile(source: ProgramSource, name?: string): ProgramFile {
  const path = typeof source === 'string' ? source : source instanceof Uint8Array ? undefined : source.path;
  if (path !== undefined) {
    return checked({
      name: name ?? path,
      path,
      kind: kindOf(readHead(path), path),
      isTemporary: false,
      release: () => {},
    });
  }
  const bytes = source instanceof Uint8Array ? source : (source as { bytes(): Uint8Array }).bytes();
  const kind = kindOf(bytes.subarray(0, HEAD_SIZE), name ?? UNNAMED);
  const folder = makeTemporaryFolder();
  const file = join(folder, UNNAMED);
  nameTemporary(file, name ?? UNNAMED);
  const release = () => removeTemporary(folder);
  try {
    writeFileSync(file, bytes, { mode: 0o700 });
    return checked({ name: name ?? UNNAMED, path: file, kind, isTemporary: true, release });
  } catch (error) {
    release();
    throw fileError(error, file);
  }
}

/** A file with a module's name is never started as native code. */
function checked(file: ProgramFile): ProgramFile {
  if (file.kind !== 'image' || !/\.(wasm|wat)$/.test(file.name)) return file;
  throw new InputError('wrong-kind', `${file.name} is an image, though it is called like a module`);
}

function kindOf(head: Uint8Array, name: string): 'module' | 'component' | 'image' {
  const { kind, what } = fileType(head);
  if (kind === 'module' || kind === 'component' || kind === 'image') return kind;
  throw new InputError('wrong-kind', `${name} is ${what}; run takes a module, a component or an image`);
}

function readHead(path: string): Uint8Array {
  try {
    const fd = openSync(path, 'r');
    try {
      const head = Buffer.alloc(HEAD_SIZE);
      return head.subarray(0, readSync(fd, head, 0, head.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(error, path);
  }
}
