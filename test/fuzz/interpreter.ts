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
import type { FrameKind } from '../../src/snapshot/snapshot.js';
import { atomicAccess } from './atomic-oracle.js';
import { BodyReader, BUILTINS, blockType } from './body-reader.js';
import { MAKES_NAN, VECTOR_NANS } from './code.js';
import { type FunctionEntry, type Instance, PAGE, reference, zero } from './machine.js';
import { load, numeric, type Raw, store } from './numeric-oracle.js';
import { laneInstruction, vectorAccess } from './vector-oracle.js';

interface Label {
  /** Where a branch goes on. */
  readonly target: number;
  readonly arity: number;
  readonly height: number;
  /** Of a loop: the body offset of its opcode. */
  readonly loop: number | undefined;
}

export class InterpreterFrame {
  readonly stack: Raw[] = [];
  readonly labels: Label[] = [];
  readonly reader: BodyReader;
  /** Where it stands. */
  kind: FrameKind = 'entry';
  offset = 0;

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
        return this.block(row.code, first, offset, start);
      case Op.Else: // the end of the first arm
        reader.at = frame.labels.pop()!.target;
        return;
      case Op.End:
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
      case Op.CallIndirect: {
        const target = this.instances[index].tables[immediates[1]].elements[stack.pop() as number];
        const called = this.instances[Number(target >> 32n) - 1].functions[Number(target & 0xffffffffn)];
        return this.call(called, offset);
      }
    }
    const builtin = BUILTINS.get(row.code);
    if (builtin === undefined) return this.simple(row.code, immediates);
    const operands = stack.splice(stack.length - builtin.takes, builtin.takes);
    frame.offset = offset;
    this.resume(this.builtin(row.code, operands, immediates));
  }

  private block(code: Op, immediate: number, offset: number, start: number): void {
    const { frame } = this;
    const instance = this.instances[frame.entry.instance];
    const { reader, stack, labels } = frame;
    const { params, results } = blockType(instance.module, immediate);
    const { end, otherwise } = this.ends(instance, start);
    const condition = code === Op.If ? stack.pop() : 1;
    const height = stack.length - params.length;
    if (code === Op.Loop) labels.push({ target: reader.at, arity: params.length, height, loop: offset });
    else labels.push({ target: end, arity: results.length, height, loop: undefined });
    if (condition === 0) {
      reader.at = otherwise;
      if (otherwise === end) labels.pop();
    }
    if (code === Op.Loop) this.safepoint('loop', offset);
  }

  /** Positions behind the `end` of a block and behind its `else` (the same when there is none). */
  private ends(instance: Instance, start: number): { end: number; otherwise: number } {
    const known = instance.ends.get(start);
    if (known !== undefined) return known;
    const reader = new BodyReader(instance.module.bytes, start);
    let depth = 0;
    let otherwise = -1;
    do {
      const row = reader.opcode();
      reader.immediates(row);
      if (row.code === Op.Block || row.code === Op.Loop || row.code === Op.If) depth++;
      else if (row.code === Op.End) depth--;
      else if (row.code === Op.Else && depth === 1) otherwise = reader.at;
    } while (depth > 0);
    const found = { end: reader.at, otherwise: otherwise < 0 ? reader.at : otherwise };
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
