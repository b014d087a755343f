/**
 * Replaces imports that nothing provides (--allow-missing-imports). Calls of functions trap; memories, tables, globals
 * and tags are created as if the importing module defined them itself.
 *
 * So an image, its snapshots and restore know nothing of it: such a memory is one of the instance's own. It has the
 * least size that the import asks for, a table is null, a global zero or null. Functions alone would not do: modules
 * for a JavaScript host import their memory and table too. The module's bytes do not change.
 */

import { ModuleError } from '../base/errors.js';
import {
  type ConstExpr,
  ExternKind,
  type Global,
  type GlobalType,
  type Import,
  type Module,
  ValType,
} from './module.js';

/**
 * Gives the module with definitions for its memories, tables, globals and tags that are not provided, or the module
 * itself when all are provided. Functions stay imports. Index spaces begin with the imports, so what is missing must
 * come after what is provided.
 *
 * @throws ModuleError 'unlinkable'
 */
export function defineMissing(module: Module, file: string, isProvided: (entry: Import) => boolean): Module {
  const provided = [0, 0, 0, 0, 0]; // by ExternKind
  const missing = [0, 0, 0, 0, 0];
  const imports = module.imports.filter((entry) => {
    const { kind } = entry;
    if (kind === ExternKind.Func) return true;
    const found = isProvided(entry);
    if (!found) missing[kind]++;
    else if (missing[kind] === 0) provided[kind]++;
    else {
      const detail = `import ${entry.module}.${entry.name} comes after one of its kind that is missing`;
      throw new ModuleError('unlinkable', detail, 0, file);
    }
    return found;
  });
  if (imports.length === module.imports.length) return module;
  const globals = module.globals.map((global, i) =>
    i >= provided[ExternKind.Global] && i < module.importedGlobalCount ? zeroGlobal(global) : global,
  );
  const changes: Partial<Module> = {
    imports,
    globals,
    importedTableCount: provided[ExternKind.Table],
    importedMemoryCount: provided[ExternKind.Memory],
    importedGlobalCount: provided[ExternKind.Global],
    importedTagCount: provided[ExternKind.Tag],
  };
  // A copy that keeps the module's getters as they are: names are decoded on first use.
  const properties = { ...Object.getOwnPropertyDescriptors(module), ...Object.getOwnPropertyDescriptors(changes) };
  return Object.defineProperties({}, properties) as Module;
}

function zeroGlobal({ type, mutable }: GlobalType): Global {
  return { type, mutable, init: zero(type) };
}

function zero(type: ValType): ConstExpr {
  switch (type) {
    case ValType.I32:
    case ValType.I64:
    case ValType.F32:
    case ValType.F64:
      return { op: 'const', type, lo: 0, hi: 0 };
    case ValType.V128:
      return { op: 'v128.const', words: [0, 0, 0, 0] };
    default:
      return { op: 'ref.null', type };
  }
}
