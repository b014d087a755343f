/**
 * The validator of function bodies (core spec 3.3 and appendix A.3): one pass over the bytes.
 *
 * Accepts or throws, and measures what the code generator needs beforehand (FunctionSummary). Builds nothing. This file
 * validates the function as a whole: its locals, and the loop over its instructions. validate-instruction.ts validates
 * each. Needs body-state.ts.
 */

import { BodyState } from './body-state.js';
import { ControlKind } from './control-stack.js';
import { limitError, limits } from './limits.js';
import { type FunctionSummary, type Module, ValType } from './module.js';
import { plainRun } from './plain-run.js';
import { readValType } from './read-types.js';
import { erased, exactOf, isDefaultable } from './ref-types.js';
import { EMPTY_LIST, resultList } from './type-lists.js';
import { instruction } from './validate-instruction.js';

/**
 * Validates the functions of one module, one after the other, in any order. Reused for all of them: `validate` returns
 * the same summary object each time, overwritten.
 */
export class FunctionValidator {
  private readonly body: BodyState;
  /** Whether a function type or a global is about a v128: then any function may get one without naming the type. */
  private readonly vectorInterface: boolean;

  constructor(
    private readonly module: Module,
    private readonly file = 'module',
  ) {
    this.body = new BodyState(module, file);
    this.vectorInterface =
      module.types.some(({ params, results }) => params.includes(ValType.V128) || results.includes(ValType.V128)) ||
      module.globals.some(({ type }) => type === ValType.V128);
  }

  /**
   * Validates the body of a function, given by its index in the function index space (imports come first, and have no
   * body). Throws ModuleError with the offset of the instruction at fault, or LimitError. Uses in unreachable code
   * count in the summary, so its figures are upper bounds.
   */
  validate(funcIndex: number): FunctionSummary {
    const { operands, control, summary } = this.body;
    this.begin(funcIndex);
    this.instructions();
    summary.maxHeight = operands.maxHeight;
    summary.maxControlDepth = control.maxDepth;
    return summary;
  }

  /** Reads the locals, and opens the function's own frame. */
  private begin(funcIndex: number): void {
    const { module, body } = this;
    const { reader, control, operands, summary } = body;
    const defined = funcIndex - module.importedFuncCount;
    const typeIndex = module.funcTypes[funcIndex];
    reader.pos = module.bodyStart[defined];
    reader.end = module.bodyEnd[defined];
    summary.usesVectors = this.vectorInterface;
    this.locals(exactOf(module.types[typeIndex]).params);
    summary.codeStart = reader.pos;
    body.resetCalls();
    operands.reset();
    control.reset();
    control.push(ControlKind.Block, 0, EMPTY_LIST, resultList(typeIndex));
  }

  /**
   * Types of a valid function's locals, and of its operands before the instruction at an offset of its body, or after
   * it. Locals that have not been set there are nullable. Not of plain instructions (plain-run.ts).
   */
  typesAt(funcIndex: number, offset: number, after: boolean): { locals: Int32Array; operands: Int32Array } {
    const { module, body } = this;
    const { reader, control, operands, summary, localTypes, unsetLocals } = body;
    const position = module.bodyStart[funcIndex - module.importedFuncCount] + offset;
    this.begin(funcIndex);
    for (let rest = after ? 1 : 0; control.depth > 0; ) {
      if (operands.height > operands.maxHeight) operands.raise(operands.height);
      plainRun(body);
      if (reader.pos >= position && rest-- === 0) break;
      reader.mark = reader.pos;
      instruction(body, reader.bytes[reader.pos++]);
    }
    const locals = localTypes.slice(0, summary.localCount);
    for (let i = 0; i < locals.length; i++) if (unsetLocals.has(i)) locals[i] = module.refTypes.nullable(locals[i]);
    return { locals, operands: operands.types.slice(0, operands.height) };
  }

  /** Parameters and local declarations (core spec 5.5.13). */
  private locals(params: ArrayLike<number>): void {
    const { reader, summary, unsetLocals, localTypes } = this.body;
    const start = reader.pos;
    unsetLocals.reset();
    localTypes.set(params);
    for (let i = 0; i < params.length; i++) summary.localTypes[i] = erased(params[i]);
    let count = params.length;
    for (let groups = reader.u32(); groups > 0; groups--) {
      const end = count + reader.u32();
      const type = readValType(reader);
      if (type === ValType.V128) summary.usesVectors = true;
      if (end <= limits.locals) {
        localTypes.fill(type, count, end);
        summary.localTypes.fill(erased(type), count, end);
        if (!isDefaultable(reader.refTypes, type)) unsetLocals.declare(count, end);
      }
      count = end;
    }
    if (count - params.length > 0xffffffff) throw reader.malformed('too many locals', start);
    if (count > limits.locals) throw limitError('locals', count, start, this.file);
    summary.localCount = count;
    summary.localWeight.fill(0, 0, count);
  }

  /** From reader.pos to reader.end: the `end` of the function's own frame must be the last instruction. */
  private instructions(): void {
    const { body } = this;
    const { reader, control, operands } = body;
    const { bytes, end } = reader;
    while (control.depth > 0) {
      if (operands.height > operands.maxHeight) operands.raise(operands.height);
      plainRun(body);
      reader.mark = reader.pos;
      if (reader.pos >= end) {
        throw body.immediates.malformed('unexpected end of section or function: END opcode expected');
      }
      instruction(body, bytes[reader.pos++]);
    }
    if (reader.pos !== end) throw reader.malformed('END opcode expected at the end of the function, not before');
  }
}

/** Validates all bodies of a decoded module, for those who want no summaries. Throws as `validate` does. */
export function validateBodies(module: Module, file = 'module'): void {
  const validator = new FunctionValidator(module, file);
  for (let i = module.importedFuncCount; i < module.funcTypes.length; i++) validator.validate(i);
}
