/**
 * A reference interpreter that counts safepoints: it says what a snapshot must contain that was taken at the n-th one.
 *
 * Slow and plain. Knows sites only by what they are: function entries, loop headers, and after calls and
 * the instructions that call the host layer. Runs modules that do not trap; NaN bits are V8's or
 * canonical.
 */

import type { FrameKind } from '../../src/snapshot/snapshot.js';
import { Op } from '../../src/wasm/opcodes.js';
import { VectorOp } from '../../src/wasm/opcodes-vector.js';
import { isFuncSubtype } from '../../src/wasm/ref-types.js';
import { TARGET_NULLABLE } from '../../src/wasm/validate-casts.js';
import { CatchKind } from '../../src/wasm/validate-exceptions.js';
import { blockParts } from './block-parts.js';
import { BUILTINS, blockType } from './body-reader.js';
import { runBuiltin } from './builtin-oracle.js';
import { InterpreterFrame } from './interpreter-frame.js';
import { type BlockParts, type Exception, type FunctionEntry, type Instance, type Reference, zero } from './machine.js';
import { canonical } from './nan-oracle.js';
import { numeric, type Raw } from './numeric-oracle.js';
import { access, simple } from './simple-instructions.js';
import { laneInstruction } from './vector-oracle.js';
import { wideArithmetic } from './wide-arithmetic-oracle.js';

const FUNC_HEAP = -0x10;

export class Interpreter {
  /** Innermost last. */
  readonly frames: InterpreterFrame[] = [];
  /** A reference is the index and 1 more. */
  readonly exceptions: Exception[] = [];
  private left = 0;

  /**
   * @param deterministic NaNs that arithmetic makes are canonical
   * @param visit told of each safepoint that is reached
   */
  constructor(
    readonly instances: readonly Instance[],
    readonly deterministic: boolean,
    private readonly visit: (frame: InterpreterFrame) => void = () => {},
  ) {}

  /** Runs a function until the n-th safepoint. @returns false when it has ended before */
  run(entry: FunctionEntry, n: number): boolean {
    this.left = n;
    this.enter(entry, []);
    while (this.left > 0 && this.frames.length > 0) this.instruction();
    return this.left === 0;
  }

  private get frame(): InterpreterFrame {
    return this.frames[this.frames.length - 1];
  }

  /** @returns whether to stop here */
  private safepoint(kind: FrameKind, offset: number): boolean {
    const { frame } = this;
    frame.kind = kind;
    frame.offset = offset;
    this.visit(frame);
    return --this.left === 0;
  }

  private enter(entry: FunctionEntry, args: Raw[]): void {
    const { module } = this.instances[entry.instance];
    if (entry.host !== undefined) {
      this.frames.push(new InterpreterFrame(entry, args, module.bytes, 0));
      if (this.safepoint('entry', 0)) return;
      this.frames.pop();
      this.resume(entry.host(this.instances[entry.instance].memories[0], args));
      return;
    }
    const at = module.bodyStart[entry.index - module.importedFuncCount];
    const frame = new InterpreterFrame(entry, args, module.bytes, at);
    this.frames.push(frame);
    if (this.safepoint('entry', 0)) return;
    args.push(...frame.reader.locals().map(zero));
    frame.labels.push({ target: -1, arity: entry.type.results.length, height: 0, loop: undefined });
  }

  /** The results of a call arrive in the caller. */
  private resume(results: readonly Raw[]): void {
    const { frame } = this;
    if (frame === undefined) return;
    frame.stack.push(...results);
    this.safepoint('return', frame.offset);
  }

  private call(entry: FunctionEntry, offset: number): void {
    const { frame } = this;
    frame.kind = 'call';
    frame.offset = offset;
    const count = entry.type.params.length;
    const args = frame.stack.splice(frame.stack.length - count, count);
    this.enter(entry, args);
  }

  /** Of a function of this instance, or the host's, in this frame's place; of another one as a call. */
  private tailCall(entry: FunctionEntry, offset: number): void {
    const { frame, frames } = this;
    if (entry.instance !== frame.entry.instance) {
      frame.isLeaving = true;
      return this.call(entry, offset);
    }
    frames.pop();
    this.enter(entry, frame.stack.slice(frame.stack.length - entry.type.params.length));
  }

  /** Unwinds to what catches the exception. */
  private throwException(reference: Raw): void {
    const { frames, exceptions } = this;
    const exception = exceptions[Number(reference) - 1];
    for (; frames.length > 0; frames.pop()) {
      const { labels, isLeaving } = this.frame;
      for (let at = isLeaving ? -1 : labels.length - 1; at >= 0; at--) {
        const { legacy, clauses, caught } = labels[at];
        if (clauses !== undefined && this.catchByClause(clauses, at, reference, exception)) return;
        if (legacy === undefined || caught !== undefined) continue;
        if (legacy.delegate !== undefined)
          at -= legacy.delegate; // and 1 by the loop
        else if (this.catchByBody(legacy, at, reference, exception)) return;
      }
    }
    throw new Error('an exception that nothing catches');
  }

  private matches(tag: number, exception: Exception): boolean {
    return tag < 0 || this.instances[this.frame.entry.instance].tags[tag] === exception.tag;
  }

  private catchByClause(clauses: readonly number[], at: number, reference: Raw, exception: Exception): boolean {
    for (let i = 0; i < clauses.length; i += 3) {
      const [kind, tag, label] = clauses.slice(i, i + 3);
      if (!this.matches(tag, exception)) continue;
      const { stack, labels } = this.frame;
      if (tag >= 0) stack.push(...exception.values);
      if ((kind & CatchKind.CatchRef) !== 0) stack.push(reference);
      labels.length = at;
      this.branch(label);
      return true;
    }
    return false;
  }

  private catchByBody({ catches }: BlockParts, at: number, reference: Raw, exception: Exception): boolean {
    const found = catches.find(([tag]) => this.matches(tag, exception));
    if (found === undefined) return false;
    const { stack, labels, reader } = this.frame;
    labels.length = at + 1;
    labels[at].caught = reference;
    stack.length = labels[at].height;
    stack.push(reference);
    if (found[0] >= 0) stack.push(...exception.values);
    reader.at = found[1];
    return true;
  }

  private leave(): void {
    const { stack, entry } = this.frames.pop()!;
    const count = entry.type.results.length;
    this.resume(stack.slice(stack.length - count));
  }

  private branch(depth: number): void {
    const { stack, labels, reader } = this.frame;
    const { target, arity, height, loop } = labels[labels.length - 1 - depth];
    stack.splice(height, stack.length - height - arity);
    labels.length -= depth + 1;
    if (target < 0) return this.leave();
    reader.at = target;
    if (loop === undefined) return;
    labels.push({ target, arity, height, loop });
    this.safepoint('loop', loop);
  }

  private instruction(): void {
    const { frame } = this;
    if (frame.isLeaving) return this.leave();
    const { reader, stack } = frame;
    const instance = this.instances[frame.entry.instance];
    const { module, functions } = instance;
    const start = reader.at;
    const offset = start - module.bodyStart[frame.entry.index - module.importedFuncCount];
    frame.position = offset;
    const row = reader.opcode();
    const arithmetic = numeric.get(row.code);
    if (arithmetic !== undefined) {
      const operands = stack.splice(stack.length - arithmetic.takes, arithmetic.takes);
      const result = arithmetic.run(...operands);
      if (this.deterministic) stack.push(canonical(row.code, result));
      else stack.push(result);
      return;
    }
    if (row.alignment !== undefined) return access(instance, frame, row, reader.immediates(row));
    switch (row.code) {
      case Op.I32Const:
        stack.push(Number(BigInt.asUintN(32, reader.signed())));
        return;
      case Op.I64Const:
        stack.push(BigInt.asUintN(64, reader.signed()));
        return;
      case Op.F32Const:
        stack.push(reader.word());
        return;
      case Op.F64Const:
        stack.push(BigInt(reader.word()) | (BigInt(reader.word()) << 32n));
        return;
    }
    if (row.code === VectorOp.V128Const) {
      const words = Array.from({ length: 4 }, () => BigInt(reader.word()));
      stack.push(words.reduceRight((bits, word) => (bits << 32n) | word, 0n));
      return;
    }
    const immediates = reader.immediates(row);
    if (row.feature === 'simd') {
      const operands = stack.splice(stack.length - row.operands!.length);
      stack.push(laneInstruction(row, immediates, operands));
      return;
    }
    if (row.feature === 'wide-arithmetic') {
      stack.push(...wideArithmetic(row, stack.splice(stack.length - row.operands!.length) as bigint[]));
      return;
    }
    const [first] = immediates;
    const { code } = row;
    switch (code) {
      case Op.Block:
      case Op.Loop:
      case Op.If:
      case Op.Try:
      case Op.TryTable:
        return this.block(code, immediates, offset, start);
      case Op.Else: // the end of the first arm
        reader.at = frame.labels.pop()!.target;
        return;
      case Op.Catch: // the end of what is before
      case Op.CatchAll:
        return this.branch(0);
      case Op.Delegate:
        frame.labels.pop();
        return;
      case Op.Throw: {
        const tag = instance.tags[first];
        const values = stack.splice(stack.length - tag.type.params.length);
        return this.throwException(BigInt(this.exceptions.push({ tag, values })));
      }
      case Op.ThrowRef:
        return this.throwException(stack.pop()!);
      case Op.Rethrow:
        return this.throwException(frame.labels[frame.labels.length - 1 - first].caught!);
      case Op.ReturnCall:
        return this.tailCall(functions[first], offset);
      case Op.ReturnCallIndirect:
        return this.tailCall(this.inTable(instance, immediates[1], stack.pop() as number), offset);
      case Op.CallRef:
        return this.call(this.referred(stack.pop() as Reference), offset);
      case Op.ReturnCallRef:
        return this.tailCall(this.referred(stack.pop() as Reference), offset);
      case Op.RefAsNonNull:
        return;
      case Op.BrOnNull:
        if (stack[stack.length - 1] !== 0n) return;
        stack.pop();
        return this.branch(first);
      case Op.BrOnNonNull:
        if (stack[stack.length - 1] !== 0n) return this.branch(first);
        stack.pop();
        return;
      case Op.RefTest:
      case Op.RefTestNull:
        stack.push(this.isOf(instance, stack.pop() as Reference, first, code === Op.RefTestNull) ? 1 : 0);
        return;
      case Op.RefCast:
      case Op.RefCastNull: // traps if it fails
        return;
      case Op.BrOnCast:
      case Op.BrOnCastFail: {
        const [flags, depth, , heap] = immediates;
        const fits = this.isOf(instance, stack[stack.length - 1] as Reference, heap, (flags & TARGET_NULLABLE) !== 0);
        if (fits === (code === Op.BrOnCast)) this.branch(depth);
        return;
      }
      case Op.End:
        if (frame.labels.at(-1)!.caught !== undefined) return this.branch(0);
        frame.labels.pop();
        if (frame.labels.length === 0) this.leave();
        return;
      case Op.Br:
        return this.branch(first);
      case Op.BrIf:
        if (stack.pop() !== 0) this.branch(first);
        return;
      case Op.BrTable:
        return this.branch(immediates[Math.min(stack.pop() as number, immediates.length - 1)]);
      case Op.Return:
        return this.leave();
      case Op.Call:
        return this.call(functions[first], offset);
      case Op.CallIndirect:
        return this.call(this.inTable(instance, immediates[1], stack.pop() as number), offset);
    }
    const builtin = BUILTINS.get(row.code);
    if (builtin === undefined) return simple(instance, frame, row.code, immediates);
    const operands = stack.splice(stack.length - builtin.takes, builtin.takes);
    frame.offset = offset;
    this.resume(runBuiltin(instance, row.code, operands, immediates));
  }

  private inTable({ tables }: Instance, table: number, element: number): FunctionEntry {
    return this.referred(tables[table].elements[element]);
  }

  private referred(target: Reference): FunctionEntry {
    return this.instances[Number(target >> 32n) - 1].functions[Number(target & 0xffffffffn)];
  }

  /** @param heap a type's index; below 0: any function is of it, or none */
  private isOf({ module: { types } }: Instance, target: Reference, heap: number, nullable: boolean): boolean {
    if (target === 0n) return nullable;
    if (heap < 0) return heap === FUNC_HEAP;
    const { instance, type } = this.referred(target);
    return isFuncSubtype(type, this.instances[instance].module.types, types[heap]);
  }

  private block(code: Op, [immediate, ...clauses]: readonly number[], offset: number, start: number): void {
    const { frame } = this;
    const instance = this.instances[frame.entry.instance];
    const { reader, stack, labels } = frame;
    const { params, results } = blockType(instance.module, immediate);
    const parts = blockParts(instance, start);
    const { end, otherwise } = parts;
    const condition = code === Op.If ? stack.pop() : 1;
    const height = stack.length - params.length;
    if (code === Op.Loop) labels.push({ target: reader.at, arity: params.length, height, loop: offset });
    else {
      const legacy = code === Op.Try ? parts : undefined;
      labels.push({ target: end, arity: results.length, height, loop: undefined, legacy, clauses });
    }
    if (condition === 0) {
      reader.at = otherwise;
      if (otherwise === end) labels.pop();
    }
    if (code === Op.Loop) this.safepoint('loop', offset);
  }
}
