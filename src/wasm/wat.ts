/**
 * From a file or bytes, binary or text, to a module.
 *
 * Text goes through the wabt package, imported only then, so that binaries do not pay for it. Is not a parser of its
 * own: positions of errors in text are wabt's lines and columns. Needs decode.ts.
 */

import { readFile } from 'node:fs/promises';
import { InputError, systemReason } from '../base/errors.js';
import { decodeModule, isBinaryModule } from './decode.js';
import type { Module } from './module.js';
import { withMemoryIndexes } from './wat-data.js';

/** WebAssembly 2.0 and the proposals that we support. */
const TEXT_FEATURES = {
  mutable_globals: true,
  sat_float_to_int: true,
  sign_extension: true,
  simd: true,
  relaxed_simd: true,
  multi_value: true,
  bulk_memory: true,
  reference_types: true,
  threads: true,
  extended_const: true,
  exceptions: true,
  multi_memory: true,
  memory64: true,
  tail_call: true,
  annotations: true,
} as const;

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
  return isBinaryModule(bytes) || !looksLikeText(bytes) ? bytes : assemble(bytes, name);
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

/** What wabt is told that the file is called: a name of the user's may have lines of its own. */
const TEXT_NAME = '(text)';

/** Assembles the text format. Throws InputError 'malformed' with wabt's message: file, line, column, and the line. */
export async function assemble(text: Uint8Array, file: string): Promise<Uint8Array> {
  const { default: loadWabt } = await import('wabt');
  const wabt = await loadWabt();
  try {
    // NOTE: wabt copies all of the view's ArrayBuffer, so the text needs one of its own.
    const module = wabt.parseWat(TEXT_NAME, new Uint8Array(text), TEXT_FEATURES);
    try {
      const binary = Uint8Array.from(module.toBinary({ write_debug_names: true }).buffer);
      return withMemoryIndexes(binary, () => module.toText({}));
    } finally {
      module.destroy();
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // The text's fault comes after a first line `parseWat failed:`. Anything else is wabt failing, which nests too
    // deep make it do.
    const fault = /^parseWat failed:\s*(.*)$/s.exec(message)?.[1];
    // NOTE: the line of the text that wabt repeats is marked by carets below it.
    const [first, ...rest] = (fault?.trimEnd() ?? `${file}: wabt cannot assemble it: ${message}`)
      .replaceAll('\t', ' ')
      .split('\n')
      .map((line) => (line.startsWith(`${TEXT_NAME}:`) ? `${file}${line.slice(TEXT_NAME.length)}` : line));
    throw new InputError('malformed', first, rest);
  }
}
