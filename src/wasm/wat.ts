/** From a file or bytes, binary or text, to a module. What assembles text is loaded only for text. */

import { readFile } from 'node:fs/promises';
import { InputError, systemReason } from '../base/errors.js';
import { decodeModule, isBinaryModule } from './decode.js';
import type { Module } from './module.js';

/**
 * Decodes a module given by the path of a file, or by its bytes (`file` then names it in errors). Throws InputError for
 * a file that cannot be read or is no module, and what decodeModule throws.
 */
export async function readModule(source: string | Uint8Array, file?: string): Promise<Module> {
  const name = file ?? (typeof source === 'string' ? source : 'module');
  return decodeModule(await readModuleBytes(source, name), name);
}

/** The binary form of a module, not yet decoded: text is assembled, with its names in a name section. */
export async function readModuleBytes(source: string | Uint8Array, file?: string): Promise<Uint8Array> {
  const name = file ?? (typeof source === 'string' ? source : 'module');
  const bytes = typeof source === 'string' ? await readBytes(source) : source;
  if (isBinaryModule(bytes) || !looksLikeText(bytes)) return bytes;
  const { assemble } = await import('./assemble.js');
  return assemble(bytes, name);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new InputError('not-found', `${path}: no such file`);
    if (code === 'EISDIR') throw new InputError('unreadable', `${path}: is a directory, not a module`);
    throw new InputError('unreadable', `${path}: cannot be read: ${systemReason(error)}`);
  }
}

/** True when the first thing is a parenthesis or a comment, as in every module in the text format. */
function looksLikeText(bytes: Uint8Array): boolean {
  for (const byte of bytes) {
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) continue;
    return byte === 0x28 || byte === 0x3b; // ( or ;
  }
  return false;
}
