/**
 * Validation of everything in a module but function bodies (core spec 3.1, 3.2 and 3.4).
 *
 * The decoder calls it for each entry that it has read, with the entry's own offset: every reference in a module points
 * backwards. validate.ts validates code. Needs module.ts and limits.ts.
 */

import { ModuleError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { isOperator } from './const-expr.js';
import { limitError, limits } from './limits.js';
import {
  type ConstExpr,
  type ConstOperand,
  ExternKind,
  type FuncType,
  type GlobalType,
  type Limits,
  type MemoryType,
  type TableType,
  ValType,
} from './module.js';
import { exactOf, RefTypes } from './ref-types.js';
import { valTypeName } from './text.js';

/** The elements of a table with 32-bit indexes, at most. */
const MAX_TABLE32 = 2 ** 32 - 1;
/** The pages of a memory with 32-bit addresses, at most: of those of a byte so many that memory.size can say it. */
const maxPages32 = (pageSize: number) => (pageSize === 1 ? 2 ** 32 - 1 : 65_536);
const maxPages64 = (pageSize: number) => (pageSize === 1 ? Number.MAX_SAFE_INTEGER : 2 ** 48);

/** The index spaces as far as they are known, imports first, and the rules about what may stand in them. */
export class ModuleContext {
  readonly types: FuncType[] = [];
  readonly refTypes = new RefTypes(this.types);
  funcTypes = new Uint32Array(0);
  readonly tables: TableType[] = [];
  readonly memories: MemoryType[] = [];
  readonly globals: GlobalType[] = [];
  /** Type indices. */
  readonly tags: number[] = [];
  /** Functions that ref.func may name: those that occur outside of code (core spec 3.4.10). */
  readonly declared: number[] = [];
  private readonly exportNames = new Set<string>();
  /** By index of a type with supertypes: how many, one above the other. */
  private readonly depths = new Map<number, number>();

  constructor(private readonly file: string) {}

  invalid(detail: string, offset: number): ModuleError {
    return new ModuleError('invalid', detail, offset, this.file);
  }

  /** Checks that `index` is below `count`; `what` names the index space. */
  private index(what: string, index: number, count: number, offset: number): void {
    if (index >= count) throw this.invalid(`unknown ${what} ${index}`, offset);
  }

  type(index: number, offset: number): void {
    this.index('type', index, this.types.length, offset);
  }

  /** Core spec 3.0, 3.1.5: that a type with a supertype fits it, and that this one may have subtypes. */
  subtype(index: number, offset: number): void {
    const { types, refTypes } = this;
    const { supertype } = types[index];
    if (supertype === undefined) return;
    const above = types[supertype];
    const { params, results } = exactOf(types[index]);
    const wanted = exactOf(above);
    const depth = (this.depths.get(refTypes.first(supertype)) ?? 0) + 1;
    this.depths.set(index, depth);
    if (depth > limits.subtypingDepth) throw limitError('subtypingDepth', depth, offset, this.file);
    const fits =
      above.isOpen === true &&
      params.length === wanted.params.length &&
      results.length === wanted.results.length &&
      Array.from(params).every((type, i) => refTypes.matches(wanted.params[i], type)) &&
      Array.from(results).every((type, i) => refTypes.matches(type, wanted.results[i]));
    if (fits) return;
    const reason = above.isOpen ? '' : ', which is final';
    throw this.invalid(`sub type ${index} does not match super type ${supertype}${reason}`, offset);
  }

  func(index: number, offset: number): void {
    this.index('function', index, this.funcTypes.length, offset);
  }

  table(index: number, offset: number): TableType {
    this.index('table', index, this.tables.length, offset);
    return this.tables[index];
  }

  memory(index: number, offset: number): MemoryType {
    this.index('memory', index, this.memories.length, offset);
    return this.memories[index];
  }

  /** Core spec 3.2.1. */
  private limits(type: Limits, offset: number): void {
    if (type.max !== undefined && type.min > type.max) {
      throw this.invalid('size minimum must not be greater than maximum', offset);
    }
  }

  addTable(type: TableType, offset: number): void {
    if (type.address === ValType.I32 && Math.max(type.min, type.max ?? 0) > MAX_TABLE32) {
      throw this.invalid(`table size must be at most ${MAX_TABLE32}`, offset);
    }
    this.limits(type, offset);
    if (type.min > limits.tableElements) throw limitError('tableElements', type.min, offset, this.file);
    if (this.tables.length >= limits.tables) throw limitError('tables', this.tables.length + 1, offset, this.file);
    this.tables.push(type);
  }

  /** One of the table section (core spec 3.2.4): elements that cannot be null need a value. */
  addDefinedTable(type: TableType, offset: number): void {
    if (type.init !== undefined) this.constant(type.init, type.element, offset);
    else if (!this.refTypes.isNullable(type.element)) {
      throw this.invalid(`type mismatch: a table of ${valTypeName(type.element)} needs an initial value`, offset);
    }
    this.addTable(type, offset);
  }

  addMemory(type: MemoryType, offset: number): void {
    const { min, max, pageSize } = type;
    if (pageSize !== 1 && pageSize !== WASM_PAGE) {
      throw this.invalid(`invalid custom page size ${pageSize}: there are 1 and ${WASM_PAGE}`, offset);
    }
    const most = (type.address === ValType.I64 ? maxPages64 : maxPages32)(pageSize);
    if (min > most || (max !== undefined && max > most)) {
      const note = pageSize === WASM_PAGE && type.address === ValType.I32 ? ' (4GiB)' : '';
      throw this.invalid(`memory size must be at most ${most} pages${note}`, offset);
    }
    this.limits(type, offset);
    const pages = Math.ceil((min * pageSize) / WASM_PAGE);
    if (pages > limits.memoryPages) throw limitError('memoryPages', pages, offset, this.file);
    if (this.memories.length >= limits.memories) {
      throw limitError('memories', this.memories.length + 1, offset, this.file);
    }
    this.memories.push(type);
  }

  addGlobal(type: GlobalType, offset: number): void {
    if (this.globals.length >= limits.globals) throw limitError('globals', this.globals.length + 1, offset, this.file);
    this.globals.push(type);
  }

  /** Core spec 3.2.12: an exception has a payload and gives nothing back. */
  addTag(typeIndex: number, offset: number): void {
    this.type(typeIndex, offset);
    if (this.types[typeIndex].results.length > 0) throw this.invalid('non-empty tag result type', offset);
    if (this.tags.length >= limits.tags) throw limitError('tags', this.tags.length + 1, offset, this.file);
    this.tags.push(typeIndex);
  }

  /** A constant expression of the given type (core spec 3.3.10.2). */
  constant(expr: ConstExpr, type: ValType, offset: number): void {
    const actual = this.constantType(expr, offset);
    if (!this.refTypes.matches(actual, type)) {
      throw this.invalid(`type mismatch: expected ${valTypeName(type)}, found ${valTypeName(actual)}`, offset);
    }
  }

  private constantType(expr: ConstExpr, offset: number): ValType {
    if (expr.op !== 'steps') return this.operandType(expr, offset);
    const stack: ValType[] = [];
    for (const step of expr.steps) {
      if (!isOperator(step)) {
        stack.push(this.operandType(step, offset));
        continue;
      }
      for (let operand = 0; operand < 2; operand++) {
        const actual = stack.pop();
        if (actual === step.type) continue;
        const found = actual === undefined ? 'nothing' : valTypeName(actual);
        throw this.invalid(`type mismatch: expected ${valTypeName(step.type)}, found ${found}`, offset);
      }
      stack.push(step.type);
    }
    if (stack.length > 1) throw this.invalid('type mismatch: more than one value', offset);
    return stack[0];
  }

  /** Only immutable globals are constant: those before, as a global is added after its own initialiser. */
  private operandType(expr: ConstOperand, offset: number): ValType {
    switch (expr.op) {
      case 'const':
      case 'ref.null':
        return expr.type;
      case 'v128.const':
        return ValType.V128;
      case 'ref.func':
        this.func(expr.index, offset);
        this.declared.push(expr.index);
        return this.refTypes.ofFunction(this.funcTypes[expr.index]);
      case 'global.get': {
        this.index('global', expr.index, this.globals.length, offset);
        const { type, mutable } = this.globals[expr.index];
        if (mutable) throw this.invalid(`constant expression required: global ${expr.index} is mutable`, offset);
        return type;
      }
    }
  }

  /** Core spec 3.4.8: what is exported exists, and under a name of its own. */
  export(name: string, kind: ExternKind, index: number, offset: number): void {
    switch (kind) {
      case ExternKind.Func:
        this.func(index, offset);
        this.declared.push(index);
        break;
      case ExternKind.Table:
        this.table(index, offset);
        break;
      case ExternKind.Memory:
        this.memory(index, offset);
        break;
      case ExternKind.Global:
        this.index('global', index, this.globals.length, offset);
        break;
      case ExternKind.Tag:
        this.index('tag', index, this.tags.length, offset);
        break;
    }
    if (this.exportNames.has(name)) throw this.invalid(`duplicate export name ${quoted(name)}`, offset);
    this.exportNames.add(name);
  }

  /** Core spec 3.4.7: the start function takes nothing and returns nothing. */
  start(index: number, offset: number): void {
    this.func(index, offset);
    const { params, results } = this.types[this.funcTypes[index]];
    if (params.length > 0 || results.length > 0) {
      throw this.invalid(`start function ${index} has parameters or results`, offset);
    }
  }

  /** Core spec 3.4.5: an active element segment fits its table and has an offset of its address type. */
  activeElements(tableIndex: number, type: ValType, tableOffset: ConstExpr, offset: number): void {
    const table = this.table(tableIndex, offset);
    if (!this.refTypes.matches(type, table.element)) {
      const types = `${valTypeName(type)} items in a table of ${valTypeName(table.element)}`;
      throw this.invalid(`type mismatch: ${types}`, offset);
    }
    this.constant(tableOffset, table.address, offset);
  }

  /** Core spec 3.4.6. */
  activeData(memory: number, memoryOffset: ConstExpr, offset: number): void {
    this.constant(memoryOffset, this.memory(memory, offset).address, offset);
  }
}
