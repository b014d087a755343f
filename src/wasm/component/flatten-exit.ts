/**
 * Makes the exit code of a component 0 or 1. wasi:cli/exit takes only a result, and the adapter passes it whether
 * proc_exit's code is 0. So the main module's import of proc_exit is replaced by a function of the host layer that does
 * the same.
 *
 * The replacement is made in the module itself, so images, snapshots and restore know nothing of components. The new
 * module name and field name have the same total length as the old ones, so that the offsets of errors, backtraces and
 * sites stay the same. Only compact imports, which share a module name, are written anew as single ones: then all that
 * comes after them moves. Offsets within a function's body, which name sites, stay even so.
 */

import { decodeModule } from '../decode.js';
import { ByteWriter } from '../merge/byte-writer.js';
import { ExternKind, type Import } from '../module.js';
import { Reader } from '../reader.js';

const PREAMBLE = 8;
const IMPORTS = 2;
const OLD = ['wasi_snapshot_preview1', 'proc_exit'];
const NEW = ['wag_snap', 'proc_exit_for_component'];

/** @param bytes a decoded module that imports nothing but functions; they stay as they are */
export function flattenExit(bytes: Uint8Array, file: string): Uint8Array {
  // NOTE: of a Buffer, slice() would be a view.
  const changed = Uint8Array.from(bytes);
  const reader = new Reader(bytes, file, PREAMBLE);
  while (reader.pos < bytes.length) {
    const sectionStart = reader.pos;
    const id = reader.u8();
    const start = reader.span();
    const end = reader.pos;
    if (id === IMPORTS) {
      reader.pos = start;
      for (let count = reader.u32(); count > 0; count--) {
        if (!changeImport(reader, changed)) return withSingleImports(bytes, file, sectionStart, end);
      }
    }
    reader.pos = end;
  }
  return changed;
}

/** @returns false for compact imports, which stay as they are */
function changeImport(reader: Reader, changed: Uint8Array): boolean {
  const start = reader.pos;
  const names = [reader.name(), reader.name()];
  const end = reader.pos;
  if (reader.u8() !== ExternKind.Func) return false;
  reader.u32();
  if (names.some((name, i) => name !== OLD[i])) return true;
  // Lengths keep the bytes that they take, of which there may be more than one.
  const padding = end - start - NEW[0].length - NEW[1].length - 2;
  const encoded = NEW.flatMap((name, i) => {
    const width = i === 0 ? Math.min(padding, 4) : padding - Math.min(padding, 4);
    return [...paddedLength(name.length, width), ...Buffer.from(name)];
  });
  changed.set(encoded, start);
  return true;
}

/** LEB128 with that many more bytes than are needed. @param length below 128 */
function paddedLength(length: number, padding: number): number[] {
  if (padding === 0) return [length];
  return [length | 0x80, ...new Array<number>(padding - 1).fill(0x80), 0];
}

/** The module with another import section, which is from `start` to `end`. */
function withSingleImports(bytes: Uint8Array, file: string, start: number, end: number): Uint8Array {
  const to = new ByteWriter();
  to.append(bytes, 0, start);
  to.list(IMPORTS, decodeModule(bytes, file).imports, writeFunction);
  to.append(bytes, end);
  return to.bytes;
}

function writeFunction(to: ByteWriter, { kind, module, name, ...type }: Import): void {
  const names = module === OLD[0] && name === OLD[1] ? NEW : [module, name];
  for (const text of names) to.name(text);
  to.byte(kind);
  to.unsigned((type as { typeIndex: number }).typeIndex);
}
