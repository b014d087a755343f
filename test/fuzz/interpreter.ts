/**
 * A reference interpreter that counts safepoints: it says what a snapshot must contain that was taken at the n-th one.
 *
 * Slow and plain. Knows sites only as DESIGN.md section 5 names them: function entries, loop headers, and behind calls and
 * the instructions that call the host layer. Runs modules that do not trap; NaN bits are V8's or
 * canonical.
 */

import { Op, type Opcode } from '../../src/compile/wasm/opcodes.js';
import { AtomicOpcode } from '../../src/compile/wasm/opcodes-atomic.js';
import { VectorOp } from '../../src/compile/wasm/opcodes-vector.js';
import { CatchKind } from '../../src/compile/wasm/validate-exceptions.js';
import type { FrameKind } from '../../src/snapshot/snapshot.js';
import { atomicAccess } from './atomic-oracle.js';
import { BodyReader, BUILTINS, blockType } from './body-reader.js';
import { MAKES_NAN, VECTOR_NANS } from './code.js';
import {
  type BlockParts,
  type Exception,
  type FunctionEntry,
  type Instance,
  PAGE,
  reference,
  zero,
} from './machine.js';
import { load, numeric, type Raw, store } from './numeric-oracle.js';
import { laneInstruction, vectorAccess } from './vector-oracle.js';

const OPENING: ReadonlySet<Op> = new Set([Op.Block, Op.Loop, Op.If, Op.Try, Op.TryTable]);

interface Label {
  /** Where a branch goes on. */
  readonly target: number;
  readonly arity: number;
  readonly height: number;
  /** Of a loop: the body offset of its opcode. */
  readonly loop: number | undefined;
  /** Of a legacy try. */
  readonly legacy?: BlockParts;
  /** Of a try_table: kind, tag and label of each clause. */
  readonly clauses?: readonly number[];
  /** Of a legacy try: the exception, in a catch body. */
  caught?: Raw;
}

export class InterpreterFrame {
  readonly stack: Raw[] = [];
  readonly labels: Label[] = [];
  readonly reader: BodyReader;
  /** Where it stands. */
  kind: FrameKind = 'entry';
  offset = 0;
  /** Whether it waits for a tail call of another instance's function, to return what that does. */
  isLeaving = false;

  constructor(
    readonly entry: FunctionEntry,
    readonly locals: Raw[],
    bytes: Uint8Array,
    at: number,
  ) {
    this.reader = new BodyReader(bytes, at);
  }
}

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
    const { module, index } = this.instances[frame.entry.instance];
    const start = reader.at;
    const offset = start - module.bodyStart[frame.entry.index - module.importedFuncCount];
    const row = reader.opcode();
    const arithmetic = numeric.get(row.code);
    if (arithmetic !== undefined) {
      const operands = stack.splice(stack.length - arithmetic.takes, arithmetic.takes);
      const result = arithmetic.run(...operands);
      if (this.deterministic) stack.push(canonical(row.code, result));
      else stack.push(result);
      return;
    }
    if (row.alignment !== undefined) return this.access(row, reader.immediates(row));
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
    const [first] = immediates;
    switch (row.code) {
      case Op.Block:
      case Op.Loop:
      case Op.If:
      case Op.Try:
      case Op.TryTable:
        return this.block(row.code, immediates, offset, start);
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
        const tag = this.instances[index].tags[first];
        const values = stack.splice(stack.length - tag.type.params.length);
        return this.throwException(BigInt(this.exceptions.push({ tag, values })));
      }
      case Op.ThrowRef:
        return this.throwException(stack.pop()!);
      case Op.Rethrow:
        return this.throwException(frame.labels[frame.labels.length - 1 - first].caught!);
      case Op.ReturnCall:
        return this.tailCall(this.instances[index].functions[first], offset);
      case Op.ReturnCallIndirect:
        return this.tailCall(this.inTable(index, immediates[1], stack.pop() as number), offset);
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
        return this.call(this.instances[index].functions[first], offset);
      case Op.CallIndirect:
        return this.call(this.inTable(index, immediates[1], stack.pop() as number), offset);
    }
    const builtin = BUILTINS.get(row.code);
    if (builtin === undefined) return this.simple(row.code, immediates);
    const operands = stack.splice(stack.length - builtin.takes, builtin.takes);
    frame.offset = offset;
    this.resume(this.builtin(row.code, operands, immediates));
  }

  private inTable(instance: number, table: number, element: number): FunctionEntry {
    const target = this.instances[instance].tables[table].elements[element];
    return this.instances[Number(target >> 32n) - 1].functions[Number(target & 0xffffffffn)];
  }

  private block(code: Op, [immediate, ...clauses]: readonly number[], offset: number, start: number): void {
    const { frame } = this;
    const instance = this.instances[frame.entry.instance];
    const { reader, stack, labels } = frame;
    const { params, results } = blockType(instance.module, immediate);
    const parts = this.ends(instance, start);
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

  private ends(instance: Instance, start: number): BlockParts {
    const known = instance.ends.get(start);
    if (known !== undefined) return known;
    const reader = new BodyReader(instance.module.bytes, start);
    const catches: [number, number][] = [];
    let delegate: number | undefined;
    let depth = 0;
    let otherwise = -1;
    do {
      const row = reader.opcode();
      const [first] = reader.immediates(row);
      if (OPENING.has(row.code)) depth++;
      else if (row.code === Op.End || row.code === Op.Delegate) depth--;
      else if (row.code === Op.Else && depth === 1) otherwise = reader.at;
      else if (row.code === Op.Catch && depth === 1) catches.push([first, reader.at]);
      else if (row.code === Op.CatchAll && depth === 1) catches.push([-1, reader.at]);
      if (row.code === Op.Delegate && depth === 0) delegate = first;
    } while (depth > 0);
    const found = { end: reader.at, otherwise: otherwise < 0 ? reader.at : otherwise, catches, delegate };
    instance.ends.set(start, found);
    return found;
  }

  private access(row: Opcode, [, offset, lane]: readonly number[]): void {
    const { code, alignment } = row;
    const { stack, entry } = this.frame;
    const { view } = this.instances[entry.instance].memories[0];
    if (row.feature === 'simd') {
      const vector = row.operands!.length === 2 ? (stack.pop() as bigint) : 0n;
      const loaded = vectorAccess(row, view, (stack.pop() as number) + offset, lane, vector);
      if (loaded !== undefined) stack.push(loaded);
      return;
    }
    if (row.feature === 'threads') {
      const operands = stack.splice(stack.length - row.operands!.length + 1);
      const result = atomicAccess(row, view, (stack.pop() as number) + offset, operands);
      if (result !== undefined) stack.push(result);
      return;
    }
    const read = load(code);
    const value = read === undefined ? stack.pop()! : 0;
    const at = (stack.pop() as number) + offset;
    if (read === undefined) store(view, at, alignment!, value);
    else stack.push(read(view, at));
  }

  private simple(code: Op, [first]: readonly number[]): void {
    const { stack, locals, entry } = this.frame;
    const instance = this.instances[entry.instance];
    if ((code as number) === AtomicOpcode.AtomicFence) return;
    switch (code) {
      case Op.Nop:
        return;
      case Op.Drop:
        stack.pop();
        return;
      case Op.Select:
      case Op.SelectT: {
        const condition = stack.pop();
        const second = stack.pop()!;
        if (condition === 0) stack[stack.length - 1] = second;
        return;
      }
      case Op.LocalGet:
        stack.push(locals[first]);
        return;
      case Op.LocalSet:
        locals[first] = stack.pop()!;
        return;
      case Op.LocalTee:
        locals[first] = stack[stack.length - 1];
        return;
      case Op.GlobalGet:
        stack.push(instance.globals[first].value);
        return;
      case Op.GlobalSet:
        instance.globals[first].value = stack.pop()!;
        return;
      case Op.MemorySize:
        stack.push(instance.memories[0].bytes.length / PAGE);
        return;
      case Op.TableSize:
        stack.push(instance.tables[first].elements.length);
        return;
      case Op.TableGet:
        stack.push(instance.tables[first].elements[stack.pop() as number]);
        return;
      case Op.TableSet: {
        const value = stack.pop() as bigint;
        instance.tables[first].elements[stack.pop() as number] = value;
        return;
      }
      case Op.RefNull:
        stack.push(0n);
        return;
      case Op.RefFunc:
        stack.push(reference(instance.functions[first]));
        return;
      case Op.RefIsNull:
        stack.push(stack.pop() === 0n ? 1 : 0);
        return;
      case Op.DataDrop:
        instance.droppedData[first] = 1;
        return;
      case Op.ElemDrop:
        instance.droppedElements[first] = 1;
        return;
    }
    throw new Error(`the interpreter does not know opcode 0x${code.toString(16)}`);
  }

  private builtin(code: Op, operands: readonly Raw[], [first, second]: readonly number[]): Raw[] {
    const instance = this.instances[this.frame.entry.instance];
    const [memory] = instance.memories;
    const [a, b, c] = operands.map(Number);
    switch (code) {
      case Op.MemoryGrow: {
        const pages = memory.bytes.length / PAGE;
        if (pages + a > memory.max) return [0xffffffff];
        const grown = new Uint8Array((pages + a) * PAGE);
        grown.set(memory.bytes);
        memory.bytes = grown;
        memory.view = new DataView(grown.buffer);
        return [pages];
      }
      case Op.MemoryFill:
        memory.bytes.fill(b, a, a + c);
        return [];
      case Op.MemoryCopy:
        memory.bytes.copyWithin(a, b, b + c);
        return [];
      case Op.MemoryInit: {
        const { start } = instance.module.datas[first];
        memory.bytes.set(instance.module.bytes.subarray(start + b, start + b + c), a);
        return [];
      }
      case Op.TableGrow: {
        const { elements, max } = instance.tables[first];
        const size = elements.length;
        if (size + b > max) return [0xffffffff];
        for (let i = 0; i < b; i++) elements.push(operands[0] as bigint);
        return [size];
      }
      case Op.TableFill:
        instance.tables[first].elements.fill(operands[1] as bigint, a, a + c);
        return [];
      case Op.TableCopy: {
        const moved = instance.tables[second].elements.slice(b, b + c);
        for (const [i, value] of moved.entries()) instance.tables[first].elements[a + i] = value;
        return [];
      }
      default: {
        // table.init: the segment comes first
        const items = instance.module.elements[first].items.slice(b, b + c);
        for (const [i, item] of items.entries()) {
          instance.tables[second].elements[a + i] =
            item.op === 'ref.func' ? reference(instance.functions[item.index]) : 0n;
        }
        return [];
      }
    }
  }
}

/** What an operation gives, but any NaN that it may have made is the canonical one. */
function canonical(code: number, result: Raw): Raw {
  if (MAKES_NAN.has(code)) return canonicalNaN(result);
  switch (VECTOR_NANS.get(code)) {
    case 'f32x4':
      return canonicalLanes(result as bigint, 32);
    case 'f64x2':
      return canonicalLanes(result as bigint, 64);
    default:
      return result;
  }
}

function canonicalLanes(vector: bigint, bits: 32 | 64): bigint {
  let all = 0n;
  for (let at = 0; at < 128; at += bits) {
    const lane = BigInt.asUintN(bits, vector >> BigInt(at));
    all |= BigInt(canonicalNaN(bits === 32 ? Number(lane) : lane)) << BigInt(at);
  }
  return all;
}

/** A float's bits, those of any NaN replaced. */
function canonicalNaN(bits: Raw): Raw {
  if (typeof bits === 'number') return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
  return (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n ? 0x7ff8000000000000n : bits;
}
