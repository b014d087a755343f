/**
 * The validator of function bodies (core spec 3.3 and appendix A.3): one pass over the bytes, one big switch.
 *
 * Accepts or throws, and measures what the code generator wants to know beforehand (FunctionSummary). Builds nothing.
 * The state of the inner loop is in local variables; the operand stack and the control frames are typed arrays; the
 * plain case of the common instructions is handled in place, everything else in methods that get and return the height
 * of the stack. Needs opcodes.ts for types, reader.ts for immediates that take more than one byte.
 */

import { ControlStack, FrameKind } from './control-stack.js';
import { Immediates } from './immediates.js';
import { limitError, limits } from './limits.js';
import { type FunctionSummary, type Module, ValType } from './module.js';
import {
  alignmentOf,
  flatIndex,
  illegalOpcode,
  MISC_COUNT,
  Op,
  operand0Of,
  operand1Of,
  operandCountOf,
  Prefix,
  resultOf,
} from './opcodes.js';
import { ANY, OperandStack } from './operand-stack.js';
import { EMPTY_BLOCK, readValType } from './read-types.js';
import { Reader } from './reader.js';
import { FIRST_PLAIN_TYPE, isRefType, REF, REF_NULL } from './ref-types.js';
import { valTypeName } from './text.js';
import { EMPTY_LIST, paramList, plainList, resultList, singleList, TypeLists } from './type-lists.js';
import { isWait, validateAtomic } from './validate-atomic.js';
import { bulkInstruction, isBulkCall } from './validate-bulk.js';
import { CallValidator } from './validate-calls.js';
import { ExceptionValidator } from './validate-exceptions.js';
import { ReferenceValidator, UnsetLocals } from './validate-references.js';
import { validateVector } from './validate-vector.js';

/** What a use in the deepest loops weighs: 8 to the power of the loop depth, up to 4. */
const MAX_WEIGHT = 8 ** 4;

/**
 * Validates the functions of one module, one after the other, in any order. Reused for all of them: `validate` returns
 * the same summary object each time, overwritten.
 */
export class FunctionValidator {
  private readonly bytes: Uint8Array;
  private readonly reader: Reader;
  private readonly lists: TypeLists;
  private readonly control = new ControlStack();
  private readonly operands: OperandStack;
  private readonly immediates: Immediates;
  private readonly exceptions: ExceptionValidator;
  private readonly references: ReferenceValidator;
  private readonly calls: CallValidator;
  /** Used in functions with locals of reference types of our own codes only. */
  private readonly unsetLocals: UnsetLocals;
  private tracksLocals = false;
  private readonly globalTypes: Uint8Array;
  private readonly globalMutable: Uint8Array;
  private readonly summary: FunctionSummary;
  /** Whether a function type or a global is about a v128: then any function may get one without naming the type. */
  private readonly vectorInterface: boolean;

  /** `slotsForCallOfType`: for each type, how many slots of the outgoing area a call of such a function needs. */
  constructor(
    private readonly module: Module,
    slotsForCallOfType: Uint32Array,
    private readonly file = 'module',
  ) {
    this.bytes = module.bytes;
    this.reader = new Reader(module.bytes, file);
    this.reader.refTypes = module.refTypes;
    this.lists = new TypeLists(module.types);
    this.operands = new OperandStack(this.control, this.lists, this.reader);
    this.globalTypes = Uint8Array.from(module.globals, (global) => global.type);
    this.globalMutable = Uint8Array.from(module.globals, (global) => (global.mutable ? 1 : 0));
    this.immediates = new Immediates(module, this.reader);
    this.exceptions = new ExceptionValidator(
      module,
      this.reader,
      this.control,
      this.operands,
      this.immediates,
      this.lists,
    );
    this.references = new ReferenceValidator(this.reader, this.control, this.operands, this.immediates, this.lists);
    this.unsetLocals = new UnsetLocals(this.reader, this.immediates);
    this.summary = {
      localTypes: new Uint8Array(limits.locals),
      localCount: 0,
      codeStart: 0,
      maxHeight: 0,
      maxControlDepth: 0,
      localWeight: new Float64Array(limits.locals),
      callWeight: 0,
      maxOutgoingSlots: 0,
      callCount: 0,
      usesVectors: false,
    };
    this.calls = new CallValidator(
      module,
      slotsForCallOfType,
      this.reader,
      this.control,
      this.operands,
      this.immediates,
      this.lists,
      this.references,
      this.summary,
    );
    this.vectorInterface =
      module.types.some(({ params, results }) => params.includes(ValType.V128) || results.includes(ValType.V128)) ||
      module.globals.some(({ type }) => type === ValType.V128);
  }

  /**
   * Validates the body of a function, given by its index in the function index space (imports come first, and have no
   * body). Throws ModuleError with the offset of the instruction at fault, or LimitError. Uses in unreachable code count
   * in the summary, so its figures are upper bounds.
   */
  validate(funcIndex: number): FunctionSummary {
    const { module, reader, summary, control, operands } = this;
    const defined = funcIndex - module.importedFuncCount;
    const typeIndex = module.funcTypes[funcIndex]!;
    reader.pos = module.bodyStart[defined]!;
    reader.end = module.bodyEnd[defined]!;
    this.readLocals(typeIndex);
    summary.codeStart = reader.pos;
    summary.callWeight = 0;
    summary.callCount = 0;
    summary.maxOutgoingSlots = 0;
    summary.usesVectors = this.vectorInterface;
    control.reset();
    control.push(FrameKind.Block, 0, EMPTY_LIST, resultList(typeIndex), 1);
    operands.base = 0;
    this.instructions();
    summary.maxControlDepth = control.maxDepth;
    return summary;
  }

  /** Parameters and local declarations (core spec 5.5.13). */
  private readLocals(typeIndex: number): void {
    const { reader, summary } = this;
    const { localTypes } = summary;
    const { params } = this.module.types[typeIndex]!;
    const start = reader.pos;
    localTypes.set(params);
    let count = params.length;
    this.tracksLocals = false;
    for (let groups = reader.u32(); groups > 0; groups--) {
      const more = reader.u32();
      const type = readValType(reader);
      if (type === ValType.V128) summary.usesVectors = true;
      if (type < FIRST_PLAIN_TYPE && more > 0) this.tracksLocals = true;
      if (count + more <= limits.locals) localTypes.fill(type, count, count + more);
      count += more;
    }
    if (count - params.length > 0xffffffff) throw reader.malformed('too many locals', start);
    if (count > limits.locals) throw limitError('locals', count, start, this.file);
    summary.localCount = count;
    summary.localWeight.fill(0, 0, count);
    if (this.tracksLocals) this.unsetLocals.start(localTypes, params.length, count);
  }

  /** The loop over the instructions, from reader.pos to reader.end. */
  private instructions(): void {
    const { bytes, reader, control, operands, immediates, exceptions, calls, summary, module, globalTypes } = this;
    const { hasMemory32 } = immediates;
    const { localTypes, localWeight, localCount } = summary;
    const { funcTypes } = module;
    const end = reader.end;
    let stack = operands.types;
    let pos = reader.pos;
    let height = 0;
    let maxHeight = 0;
    let base = 0;
    let weight = 1;
    for (;;) {
      reader.mark = pos;
      if (height > maxHeight) {
        maxHeight = height;
        operands.reserve(height, 1);
        stack = operands.types;
      }
      if (pos >= end) throw immediates.malformed('unexpected end of section or function: END opcode expected');
      const op = bytes[pos++]!;
      switch (op) {
        case Op.Unreachable:
          control.unreachable[control.depth - 1] = 1;
          height = base;
          break;

        case Op.Nop:
          break;

        case Op.Block:
        case Op.Loop:
        case Op.If:
        case Op.Try:
        case Op.TryTable: {
          if (op === Op.If) {
            if (height > base && stack[height - 1] === ValType.I32) height--;
            else height = operands.pop(height, ValType.I32);
          }
          let start = EMPTY_LIST;
          let results = EMPTY_LIST;
          const type = bytes[pos]!;
          if (type === EMPTY_BLOCK) pos++;
          else if (plainList(type) !== EMPTY_LIST) {
            results = plainList(type);
            pos++;
          } else if (type === REF || type === REF_NULL) {
            reader.pos = pos;
            results = singleList(readValType(reader));
            pos = reader.pos;
          } else {
            reader.pos = pos;
            const typeIndex = immediates.blockTypeIndex();
            pos = reader.pos;
            start = paramList(typeIndex);
            results = resultList(typeIndex);
            height = operands.popList(height, start);
          }
          if (op === Op.TryTable) {
            reader.pos = pos;
            exceptions.catches(height);
            pos = reader.pos;
            if (exceptions.landingHeight > maxHeight) {
              maxHeight = exceptions.landingHeight;
              operands.reserve(maxHeight, 1);
              stack = operands.types;
            }
          }
          base = height;
          operands.base = base;
          let kind = FrameKind.Block;
          if (op === Op.Loop) {
            kind = FrameKind.Loop;
            if (weight < MAX_WEIGHT) weight *= 8;
          } else if (op === Op.If) kind = FrameKind.If;
          else if (op === Op.Try) kind = FrameKind.Try;
          control.push(kind, base, start, results, weight);
          if (start !== EMPTY_LIST) {
            height = operands.pushList(height, start);
            stack = operands.types;
          }
          break;
        }

        case Op.Else: {
          const top = control.depth - 1;
          if (control.kind[top] !== FrameKind.If) throw immediates.malformed('else without if');
          height = operands.popList(height, control.endList[top]!);
          operands.checkEmpty(height);
          if (this.tracksLocals) this.unsetLocals.leave(top);
          control.kind[top] = FrameKind.Else;
          control.unreachable[top] = 0;
          height = operands.pushList(height, control.startList[top]!);
          stack = operands.types;
          break;
        }

        case Op.Catch:
        case Op.CatchAll:
          reader.pos = pos;
          height = exceptions.catchArm(op === Op.CatchAll, height);
          if (this.tracksLocals) this.unsetLocals.leave(control.depth - 1);
          pos = reader.pos;
          base = operands.base;
          stack = operands.types;
          break;

        case Op.Throw:
        case Op.ThrowRef:
        case Op.Rethrow:
          reader.pos = pos;
          exceptions.raise(op, height);
          pos = reader.pos;
          control.unreachable[control.depth - 1] = 1;
          height = base;
          break;

        case Op.Delegate:
        case Op.End: {
          if (op === Op.Delegate) {
            reader.pos = pos;
            exceptions.delegate();
            pos = reader.pos;
          }
          const top = control.depth - 1;
          const results = control.endList[top]!;
          if (results !== EMPTY_LIST) height = operands.popList(height, results);
          if (height !== base) operands.checkEmpty(height);
          if (control.kind[top]! >= FrameKind.Catch) height--; // the hidden operand
          if (
            control.kind[top] === FrameKind.If &&
            !this.lists.matches(control.startList[top]!, results, reader.refTypes)
          ) {
            throw operands.mismatch('if without else must give what it takes');
          }
          control.depth = top;
          if (this.tracksLocals) this.unsetLocals.leave(top);
          if (top === 0) {
            if (pos !== end) throw reader.malformed('END opcode expected at the end of the function, not before', pos);
            summary.maxHeight = maxHeight;
            return;
          }
          base = control.base[top - 1]!;
          operands.base = base;
          weight = control.weight[top - 1]!;
          if (results !== EMPTY_LIST) {
            height = operands.pushList(height, results);
            stack = operands.types;
          }
          break;
        }

        case Op.Br:
        case Op.BrIf: {
          if (op === Op.BrIf) {
            if (height > base && stack[height - 1] === ValType.I32) height--;
            else height = operands.pop(height, ValType.I32);
          }
          let label = bytes[pos]!;
          if (label < 0x80) pos++;
          else {
            reader.pos = pos;
            label = reader.u32();
            pos = reader.pos;
          }
          if (label >= control.depth) throw immediates.invalid(`unknown label ${label}`);
          const list = control.labelList[control.depth - 1 - label]!;
          if (list !== EMPTY_LIST) {
            height = operands.popList(height, list);
            if (op === Op.BrIf) height = operands.pushList(height, list);
            stack = operands.types;
          }
          if (op === Op.Br) {
            control.unreachable[control.depth - 1] = 1;
            height = base;
          }
          break;
        }

        case Op.BrTable:
          height = operands.pop(height, ValType.I32);
          reader.pos = pos;
          this.branchTargets(height);
          pos = reader.pos;
          control.unreachable[control.depth - 1] = 1;
          height = base;
          break;

        case Op.Return:
          operands.popList(height, control.endList[0]!);
          control.unreachable[control.depth - 1] = 1;
          height = base;
          break;

        case Op.Call: {
          let callee = bytes[pos]!;
          if (callee < 0x80) pos++;
          else {
            reader.pos = pos;
            callee = reader.u32();
            pos = reader.pos;
          }
          if (callee >= funcTypes.length) throw immediates.invalid(`unknown function ${callee}`);
          height = calls.call(height, funcTypes[callee]!, weight);
          stack = operands.types;
          break;
        }

        case Op.CallIndirect:
        case Op.CallRef:
          reader.pos = pos;
          height = calls.indirect(op, height, weight);
          pos = reader.pos;
          stack = operands.types;
          break;

        case Op.ReturnCall:
        case Op.ReturnCallIndirect:
        case Op.ReturnCallRef:
          reader.pos = pos;
          calls.tail(op, height, weight);
          pos = reader.pos;
          control.unreachable[control.depth - 1] = 1;
          height = base;
          break;

        case Op.RefAsNonNull:
          height = this.references.asNonNull(height);
          stack = operands.types;
          break;

        case Op.BrOnNull:
        case Op.BrOnNonNull:
          reader.pos = pos;
          height = op === Op.BrOnNull ? this.references.brOnNull(height) : this.references.brOnNonNull(height);
          pos = reader.pos;
          stack = operands.types;
          break;

        case Op.Drop:
          if (height > base) height--;
          else height = operands.drop(height);
          break;

        case Op.Select: {
          const type = height > base + 2 ? stack[height - 3]! : ANY;
          if (type >= ValType.V128 && type === stack[height - 2] && stack[height - 1] === ValType.I32) height -= 2;
          else height = this.select(height);
          break;
        }

        case Op.SelectT: {
          reader.pos = pos;
          const type = immediates.selectType();
          pos = reader.pos;
          height = operands.pop(height, ValType.I32);
          height = operands.pop(height, type);
          height = operands.pop(height, type);
          stack[height++] = type;
          break;
        }

        case Op.LocalGet: {
          let index = bytes[pos]!;
          if (index < 0x80) pos++;
          else {
            reader.pos = pos;
            index = reader.u32();
            pos = reader.pos;
          }
          if (index >= localCount) throw immediates.invalid(`unknown local ${index}`);
          localWeight[index]! += weight;
          const type = localTypes[index]!;
          if (type < FIRST_PLAIN_TYPE && this.tracksLocals) this.unsetLocals.get(index);
          stack[height++] = type;
          break;
        }

        case Op.LocalSet:
        case Op.LocalTee: {
          let index = bytes[pos]!;
          if (index < 0x80) pos++;
          else {
            reader.pos = pos;
            index = reader.u32();
            pos = reader.pos;
          }
          if (index >= localCount) throw immediates.invalid(`unknown local ${index}`);
          localWeight[index]! += weight;
          const type = localTypes[index]!;
          if (height > base && stack[height - 1] === type) height--;
          else height = operands.pop(height, type);
          if (type < FIRST_PLAIN_TYPE && this.tracksLocals) this.unsetLocals.assign(index, control.depth);
          if (op === Op.LocalTee) stack[height++] = type;
          break;
        }

        case Op.GlobalGet:
        case Op.GlobalSet: {
          let index = bytes[pos]!;
          if (index < 0x80) pos++;
          else {
            reader.pos = pos;
            index = reader.u32();
            pos = reader.pos;
          }
          if (index >= globalTypes.length) throw immediates.invalid(`unknown global ${index}`);
          if (op === Op.GlobalGet) stack[height++] = globalTypes[index]!;
          else {
            if (this.globalMutable[index] === 0) throw immediates.invalid(`global is immutable: ${index}`);
            height = operands.pop(height, globalTypes[index]!);
          }
          break;
        }

        case Op.TableGet:
        case Op.TableSet: {
          reader.pos = pos;
          const table = immediates.table();
          const type = immediates.tableTypeOf(table);
          pos = reader.pos;
          if (op === Op.TableSet) height = operands.pop(height, type);
          height = operands.pop(height, immediates.tableAddressOf(table));
          if (op === Op.TableGet) stack[height++] = type;
          break;
        }

        case Op.I32Load:
        case Op.I64Load:
        case Op.F32Load:
        case Op.F64Load:
        case Op.I32Load8S:
        case Op.I32Load8U:
        case Op.I32Load16S:
        case Op.I32Load16U:
        case Op.I64Load8S:
        case Op.I64Load8U:
        case Op.I64Load16S:
        case Op.I64Load16U:
        case Op.I64Load32S:
        case Op.I64Load32U: {
          let address = ValType.I32;
          // Alignment and offset of one byte each.
          if (bytes[pos]! <= alignmentOf[op]! && bytes[pos + 1]! < 0x80 && hasMemory32) pos += 2;
          else {
            reader.pos = pos;
            address = immediates.memoryArgument(op);
            pos = reader.pos;
          }
          if (height > base && stack[height - 1] === address) stack[height - 1] = resultOf[op]!;
          else {
            height = operands.pop(height, address);
            stack[height++] = resultOf[op]!;
          }
          break;
        }

        case Op.I32Store:
        case Op.I64Store:
        case Op.F32Store:
        case Op.F64Store:
        case Op.I32Store8:
        case Op.I32Store16:
        case Op.I64Store8:
        case Op.I64Store16:
        case Op.I64Store32: {
          let address = ValType.I32;
          if (bytes[pos]! <= alignmentOf[op]! && bytes[pos + 1]! < 0x80 && hasMemory32) pos += 2;
          else {
            reader.pos = pos;
            address = immediates.memoryArgument(op);
            pos = reader.pos;
          }
          if (height > base + 1 && stack[height - 1] === operand1Of[op] && stack[height - 2] === address) height -= 2;
          else {
            height = operands.pop(height, operand1Of[op]!);
            height = operands.pop(height, address);
          }
          break;
        }

        case Op.MemorySize:
        case Op.MemoryGrow: {
          reader.pos = pos;
          const address = immediates.memoryAddress();
          pos = reader.pos;
          if (op === Op.MemoryGrow) {
            height = operands.pop(height, address);
            calls.count(weight);
          }
          stack[height++] = address;
          break;
        }

        case Op.I32Const:
        case Op.I64Const:
          if (bytes[pos]! < 0x80) pos++;
          else {
            reader.pos = pos;
            if (op === Op.I32Const) reader.s32();
            else reader.s64();
            pos = reader.pos;
          }
          stack[height++] = op === Op.I32Const ? ValType.I32 : ValType.I64;
          break;

        case Op.F32Const:
        case Op.F64Const:
          pos += op === Op.F32Const ? 4 : 8;
          stack[height++] = op === Op.F32Const ? ValType.F32 : ValType.F64;
          break;

        case Op.RefNull:
          reader.pos = pos;
          stack[height++] = reader.refTypes.readNull(reader);
          pos = reader.pos;
          break;

        case Op.RefIsNull:
          height = this.references.isNull(height);
          stack = operands.types;
          break;

        case Op.RefFunc: {
          reader.pos = pos;
          const index = reader.u32();
          pos = reader.pos;
          if (index >= funcTypes.length) throw immediates.invalid(`unknown function ${index}`);
          if (module.declaredFuncs[index] === 0) throw immediates.invalid(`undeclared function reference ${index}`);
          stack[height++] = reader.refTypes.ofFunction(funcTypes[index]!);
          break;
        }

        case Prefix.Misc:
          reader.pos = pos;
          height = this.misc(height, weight);
          pos = reader.pos;
          break;

        case Prefix.Simd:
          reader.pos = pos;
          height = validateVector(reader, operands, immediates, height);
          summary.usesVectors = true;
          pos = reader.pos;
          break;

        case Prefix.Atomic: {
          reader.pos = pos;
          const sub = reader.u32();
          if (isWait(sub)) calls.count(weight);
          height = validateAtomic(sub, reader, operands, immediates, height);
          pos = reader.pos;
          break;
        }

        default: {
          // Everything else takes one or two operands of fixed types and gives one result: numeric instructions.
          const count = operandCountOf[op]!;
          if (count === 2) {
            const type = operand1Of[op]!;
            if (height > base + 1 && stack[height - 1] === type && stack[height - 2] === type) height -= 2;
            else height = operands.pop(operands.pop(height, type), type);
          } else if (count === 1) {
            const type = operand0Of[op]!;
            if (height > base && stack[height - 1] === type) height--;
            else height = operands.pop(height, type);
          } else throw immediates.illegal(op, pos);
          stack[height++] = resultOf[op]!;
        }
      }
    }
  }

  /** The labels of a br_table (core spec 3.3.8.8): all of the same arity, each satisfied by the operands. */
  private branchTargets(height: number): void {
    const { reader, control, operands, immediates, lists } = this;
    const count = reader.u32();
    if (count > reader.end - reader.pos) throw immediates.malformed('unexpected end of section or function');
    if (count > limits.branchTargets) throw limitError('branchTargets', count, reader.mark, this.file);
    let arity = -1;
    let checked = EMPTY_LIST;
    for (let i = 0; i <= count; i++) {
      const label = reader.u32();
      if (label >= control.depth) throw immediates.invalid(`unknown label ${label}`);
      const list = control.labelList[control.depth - 1 - label]!;
      if (i > 0 && list === checked) continue;
      if (arity < 0) arity = lists.count(list);
      else if (arity !== lists.count(list)) throw operands.mismatch('labels of br_table differ in arity');
      operands.checkList(height, list);
      checked = list;
    }
  }

  /** select without a type: two operands of the same type, not references (core spec 3.3.4.2). */
  private select(height: number): number {
    const { operands } = this;
    height = operands.pop(height, ValType.I32);
    const second = operands.peek(height);
    height = operands.drop(height);
    const first = operands.peek(height);
    height = operands.drop(height);
    if (isRefType(first) || isRefType(second)) throw operands.mismatch('select of references needs a type');
    if (first !== second && first !== ANY && second !== ANY) {
      throw operands.mismatch(`select between ${valTypeName(first)} and ${valTypeName(second)}`);
    }
    operands.types[height] = first === ANY ? second : first;
    return height + 1;
  }

  /** The instructions behind the prefix 0xfc: saturating truncation, bulk memory, tables. */
  private misc(height: number, weight: number): number {
    const { reader, operands, immediates } = this;
    const sub = reader.u32();
    if (sub >= MISC_COUNT) throw immediates.malformed(illegalOpcode(Prefix.Misc, sub));
    const op = 0xfc00 | sub;
    if (op >= Op.MemoryInit) {
      if (isBulkCall(op)) this.calls.count(weight);
      return bulkInstruction(op, height, reader, immediates, operands);
    }
    // Saturating truncation.
    const index = flatIndex(op);
    height = operands.pop(height, operand0Of[index]!);
    operands.types[height] = resultOf[index]!;
    return height + 1;
  }
}

/** Validates all bodies of a decoded module, for those who want no summaries. Throws as `validate` does. */
export function validateBodies(module: Module, file = 'module'): void {
  const validator = new FunctionValidator(module, new Uint32Array(module.types.length), file);
  for (let i = module.importedFuncCount; i < module.funcTypes.length; i++) validator.validate(i);
}
