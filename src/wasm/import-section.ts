/**
 * The import section: single imports, and the two compact forms of several imports of one module (core spec 5.5.5, and
 * the proposal for a compact import section).
 *
 *     module name kind ...                    one import
 *     module ""   0x7f count (name kind ...)* imports of one module
 *     module ""   0x7e kind ... count name*   imports of one module, all of one type
 *
 * Which form a module uses changes nothing else: the decoded module has one entry for each import.
 */

import { limitError, limits } from './limits.js';
import { ExternKind, type Import } from './module.js';
import type { ModuleParts } from './module-parts.js';
import { readCount, readGlobalType, readMemoryType, readName, readTableType, readTagType } from './read-types.js';
import type { Reader } from './reader.js';

/** What stands in place of a kind after an empty name. */
const enum Compact {
  Items = 0x7f,
  Names = 0x7e,
}

/** Of a later proposal. */
const EXACT_FUNCTION = 0x20;

/** What is imported, without its name: its kind and type. */
type ImportType = Import extends infer One ? (One extends Import ? Omit<One, 'module' | 'name'> : never) : never;

export function imports(reader: Reader, parts: ModuleParts): void {
  for (let count = readCount(reader, 'imports'); count > 0; count--) {
    const module = readName(reader);
    const name = readName(reader);
    const form = name === '' ? reader.bytes[reader.pos] : undefined;
    switch (form) {
      case Compact.Items:
        reader.pos++;
        for (let items = readCount(reader, 'imports'); items > 0; items--) {
          const item = readName(reader);
          const offset = reader.pos;
          add(parts, module, item, readImportType(reader), offset);
        }
        break;
      case Compact.Names: {
        reader.pos++;
        const offset = reader.pos;
        const type = readImportType(reader);
        for (let items = readCount(reader, 'imports'); items > 0; items--) {
          add(parts, module, readName(reader), type, offset);
        }
        break;
      }
      default: {
        const offset = reader.pos;
        add(parts, module, name, readImportType(reader), offset);
      }
    }
  }
  parts.context.funcTypes = Uint32Array.from(parts.importedFuncTypes);
}

function readImportType(reader: Reader): ImportType {
  const offset = reader.pos;
  const kind = reader.u8();
  switch (kind) {
    case ExternKind.Func:
      return { kind, typeIndex: reader.u32() };
    case ExternKind.Table:
      return { kind, table: readTableType(reader) };
    case ExternKind.Memory:
      return { kind, memory: readMemoryType(reader) };
    case ExternKind.Global:
      return { kind, global: readGlobalType(reader) };
    case ExternKind.Tag:
      return { kind, typeIndex: readTagType(reader) };
    case EXACT_FUNCTION:
      throw reader.unsupported('custom descriptors (imports of exact functions)', offset);
    default:
      throw reader.malformed(`malformed import kind 0x${kind.toString(16)}`, offset);
  }
}

/** @param offset of the type */
function add(parts: ModuleParts, module: string, name: string, type: ImportType, offset: number): void {
  const { context, imports } = parts;
  switch (type.kind) {
    case ExternKind.Func:
      context.type(type.typeIndex, offset);
      parts.importedFuncTypes.push(type.typeIndex);
      break;
    case ExternKind.Table:
      context.addTable(type.table, offset);
      parts.importedTableCount++;
      break;
    case ExternKind.Memory:
      context.addMemory(type.memory, offset);
      parts.importedMemoryCount++;
      break;
    case ExternKind.Global:
      context.addGlobal(type.global, offset);
      parts.importedGlobalCount++;
      break;
    case ExternKind.Tag:
      context.addTag(type.typeIndex, offset);
      parts.importedTagCount++;
      break;
  }
  // Groups can hold more than the section's own count says.
  if (imports.length >= limits.imports) throw limitError('imports', imports.length + 1, offset, parts.file);
  imports.push({ module, name, ...type });
}
