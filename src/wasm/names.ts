/**
 * The custom `name` section (core spec appendix 7.4.1): names of the module, its functions and their locals.
 *
 * A custom section cannot make a module malformed: a name section that is not well formed gives undefined, as if it
 * were absent. Unknown subsections are skipped. Needs reader.ts.
 */

import { ModuleError } from '../base/errors.js';
import type { Names } from './module.js';
import { Reader } from './reader.js';

const enum Subsection {
  Module = 0,
  Functions = 1,
  Locals = 2,
}

/** Decodes the section's contents, those after its own name, from `start` to `end` in the module's bytes. */
export function decodeNames(bytes: Uint8Array, start: number, end: number): Names | undefined {
  try {
    return decodeSubsections(new Reader(bytes, 'name section', start, end));
  } catch (error) {
    if (error instanceof ModuleError) return undefined;
    throw error;
  }
}

function decodeSubsections(reader: Reader): Names {
  const sectionEnd = reader.end;
  let module: string | undefined;
  let functions: ReadonlyMap<number, string> = new Map();
  const locals = new Map<number, ReadonlyMap<number, string>>();
  let previous = -1;
  while (reader.pos < sectionEnd) {
    const id = reader.u8();
    if (id <= previous) throw reader.malformed('name subsections out of order');
    previous = id;
    const start = reader.span();
    const end = reader.pos;
    reader.pos = start;
    reader.end = end;
    if (id === Subsection.Module) module = reader.name();
    else if (id === Subsection.Functions) functions = nameMap(reader);
    else if (id === Subsection.Locals) {
      for (let count = reader.u32(); count > 0; count--) {
        const func = reader.u32();
        locals.set(func, nameMap(reader));
      }
    } else reader.pos = end;
    if (reader.pos !== end) throw reader.malformed('name subsection size mismatch');
    reader.end = sectionEnd;
  }
  return { module, functions, locals };
}

function nameMap(reader: Reader): Map<number, string> {
  const map = new Map<number, string>();
  let previous = -1;
  for (let count = reader.u32(); count > 0; count--) {
    const index = reader.u32();
    if (index <= previous) throw reader.malformed('name map out of order');
    previous = index;
    map.set(index, reader.name());
  }
  return map;
}
