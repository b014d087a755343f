/**
 * Checks a component's types, of which the core format knows nothing: each import of WASI 0.2 has the type that the
 * interface says, and each lifted or lowered function has the core type and the options that its type needs (Component
 * Model, CanonicalABI.md and Explainer.md, "Canonical ABI").
 */

import { ModuleError } from '../../base/errors.js';
import { ExternKind, type FuncType, ValType } from '../module.js';
import { formatFuncType } from '../text.js';
import type { CoreFunctions } from './core-functions.js';
import { type CoreSignature, Flattener } from './flatten.js';
import type { CoreItem, FunctionItem, Graph, LiftedFunction, LoweredFunction } from './instantiate.js';
import { type ResolvedType, Types } from './type-space.js';
import { TypeText } from './type-text.js';
import { FUNCTIONS } from './wasi-types.js';

const OF_WASI = /^wasi:([a-z-]+\/[a-z-]+)@0\.2\.\d+$/;

const I32 = ValType.I32;
const REALLOC: FuncType = { params: Uint8Array.of(I32, I32, I32, I32), results: Uint8Array.of(I32) };

/** @throws ModuleError 'unlinkable' for an import of another type, 'invalid'; LimitError */
export function checkTypes(graph: Graph, functions: CoreFunctions): void {
  new TypeChecker(graph, functions).run();
}

class TypeChecker {
  private readonly types: Types;
  private readonly text: TypeText;
  private readonly flattener: Flattener;

  constructor(
    private readonly graph: Graph,
    private readonly functions: CoreFunctions,
  ) {
    this.types = new Types(graph);
    this.text = new TypeText(graph.file);
    this.flattener = new Flattener(graph.file);
  }

  run(): void {
    for (const { name, offset } of this.graph.imports) this.checkImport(name, offset);
    for (const canonical of this.graph.canonical) {
      if (canonical.kind === 'lift') this.checkLift(canonical);
      else this.checkLower(canonical);
    }
  }

  private checkImport(name: string, offset: number): void {
    const [, interfaceName] = OF_WASI.exec(name) ?? [];
    const declared = interfaceName === undefined ? undefined : this.types.ofImport(name);
    for (const [func, type] of declared?.functions ?? []) {
      const expected = FUNCTIONS.get(`${interfaceName} ${func}`);
      if (expected === undefined) continue;
      const found = this.text.of(type);
      if (found === expected) continue;
      const detail = `incompatible import type: ${name} ${func} is ${found}, expected ${expected}`;
      throw new ModuleError('unlinkable', detail, offset, this.graph.file);
    }
  }

  private checkLift({ func, type, options, offset }: LiftedFunction): void {
    const of = this.types.resolve(type);
    if (of.kind === 'resource' || of.type.kind !== 'func')
      throw this.invalid('the type of a lifted function is none', offset);
    const signature = this.flattener.signature(of, 'lift');
    this.checkCore('lifted function', func, signature.type, offset);
    const { postReturn } = options;
    if (postReturn !== undefined) {
      const type = { params: signature.type.results, results: new Uint8Array() };
      this.checkCore('post-return', postReturn, type, offset);
    }
    this.checkOptions('a lifted function', signature, options, offset);
  }

  private checkLower({ func, options, offset }: LoweredFunction): void {
    const of = this.typeOf(func);
    if (of === undefined || of.kind === 'resource' || of.type.kind !== 'func') return;
    const signature = this.flattener.signature(of, 'lower');
    const name = func.kind === 'import' ? func.path.join(' ') : 'a function of the component';
    this.checkOptions(name, signature, options, offset);
  }

  /** Undefined: it is not known. */
  private typeOf(func: FunctionItem): ResolvedType | undefined {
    if (func.kind === 'lift') return this.types.resolve(func.type);
    const [name, ...rest] = func.path;
    return rest.length === 1 ? this.types.ofImport(name)?.functions.get(rest[0]) : undefined;
  }

  private checkOptions(
    name: string,
    { needsMemory, needsRealloc }: CoreSignature,
    { memory, realloc }: LiftedFunction['options'],
    offset: number,
  ): void {
    const missing =
      needsMemory && memory === undefined ? 'memory' : needsRealloc && realloc === undefined ? 'realloc' : undefined;
    if (missing !== undefined) throw this.invalid(`${name} needs the canonical option ${missing}`, offset);
    if (realloc !== undefined) this.checkCore('realloc', realloc, REALLOC, offset);
    if (memory === undefined || !this.isLarge(memory)) return;
    const detail = `not supported yet: a memory with 64-bit addresses as a canonical option (${name})`;
    throw new ModuleError('unsupported', detail, offset, this.graph.file);
  }

  private isLarge(memory: CoreItem): boolean {
    if (memory.kind !== 'export') return false;
    const found = this.functions.definition(memory.instance, ExternKind.Memory, memory.name);
    return found !== undefined && this.functions.module(found.instance).memories[found.func].address === ValType.I64;
  }

  /** @param what it is for, in messages */
  private checkCore(what: string, item: CoreItem, expected: FuncType, offset: number): void {
    const found = this.functions.resolve(item);
    if (found.kind !== 'function') return; // a canonical function: native.ts says what it does not support
    const { types, funcTypes } = this.functions.module(found.instance);
    const given = types[funcTypes[found.index]];
    const [is, wanted] = [formatFuncType(given), formatFuncType(expected)];
    if (is !== wanted) throw this.invalid(`${what}: core function ${wanted} expected, ${is} given`, offset);
  }

  private invalid(detail: string, offset: number): ModuleError {
    return new ModuleError('invalid', detail, offset, this.graph.file);
  }
}
