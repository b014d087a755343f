/** Names and sorts in a component's binary (Binary.md, "Instance Definitions" and "Import and Export Definitions"). */

import { limitError, limits } from '../limits.js';
import type { Reader } from '../reader.js';
import { CORE, Sort, sortName } from './definitions.js';

/** Any name: of an argument, of a core export, of a field. */
export function readLabel(reader: Reader): string {
  const offset = reader.pos;
  const size = reader.u32();
  reader.pos = offset;
  const name = reader.name();
  if (size > limits.nameBytes) throw limitError('nameBytes', size, offset, reader.file);
  return name;
}

export const readImportName = readExternName;
export const readExportName = readExternName;

/** A name of an import or export: a byte stands before it, which once told apart names that are interfaces. */
function readExternName(reader: Reader): string {
  const offset = reader.pos;
  const form = reader.u8();
  if (form === 2) throw reader.unsupported('names of imports and exports with attributes', offset);
  if (form > 2) throw reader.malformed('malformed name of an import or export', offset);
  return readLabel(reader);
}

export function readSort(reader: Reader): Sort {
  const offset = reader.pos;
  const code = reader.u8();
  if (code === 0) return readCoreSort(reader);
  if (code > Sort.Instance) throw reader.malformed(`malformed sort 0x${code.toString(16)}`, offset);
  return code;
}

export function readCoreSort(reader: Reader): Sort {
  const offset = reader.pos;
  const code = reader.u8();
  if (sortName(CORE + code) === undefined) throw reader.malformed(`malformed core sort 0x${code.toString(16)}`, offset);
  return CORE + code;
}
