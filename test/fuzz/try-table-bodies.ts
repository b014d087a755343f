/** Rewrites the body of a function, for try-tables.ts, which says how. */

import { type FuncType, type Module, ValType } from '../../src/wasm/module.js';
import { Op } from '../../src/wasm/opcodes.js';
import { exactOf } from '../../src/wasm/ref-types.js';
import { skipInstruction } from '../../src/wasm/skip.js';
import { CatchKind } from '../../src/wasm/validate-exceptions.js';
import { BodyReader, blockType } from './body-reader.js';
import { WasmWriter } from './wasm-writer.js';

/** Elements of the table of exceptions. */
export const HELD = 4;

/** A body that exceptions leave: a function's, or a try's. */
interface Region {
  /** Whether some try delegates to it. */
  isTarget: boolean;
  /** Level of the block that they leave for. */
  landing: number;
}

interface Arm {
  /** -1 for catch_all. */
  readonly tag: number;
  isRethrown: boolean;
  /** The local that keeps the exception, -1 when there is none. */
  local: number;
}

interface Try extends Region {
  readonly arms: Arm[];
  /** Of a try that delegates. */
  target: Region | undefined;
  arm: number; // that the walk is in, -1 in the body
}

/** A label of the old code. A level is the number of labels around one of the new code. */
interface Label {
  readonly tried: Try | undefined;
  level: number;
}

/** What a body needs of the module as a whole. */
export interface ModuleRewriter {
  readonly module: Module;
  /** A table and a global that hold exceptions. */
  readonly heldTable: number;
  readonly heldGlobal: number;
  /** The index of a type of block. */
  typeIndex(params: ArrayLike<number>, results: ArrayLike<number>): number;
}

export class BodyRewriter {
  private readonly out = new WasmWriter();
  private readonly reader: BodyReader;
  private readonly end: number;
  private readonly start: number;
  private readonly tries = new Map<number, Try>(); // by position
  private readonly function: Region = { isTarget: false, landing: -1 };
  private readonly labels: Label[] = [];
  private locals: number;
  private declared = 0;
  /** How many labels of the new code are open. */
  private open = 1;
  private taken = 0;

  constructor(
    private readonly to: ModuleRewriter,
    defined: number,
  ) {
    const { module } = to;
    const type = module.types[module.funcTypes[module.importedFuncCount + defined]];
    this.locals = type.params.length;
    this.start = module.bodyStart[defined];
    this.end = module.bodyEnd[defined];
    this.reader = new BodyReader(module.bytes, this.start);
  }

  rewrite(): Uint8Array {
    const { reader, end, out } = this;
    const { bytes } = reader;
    const groups = reader.leb();
    const from = reader.at;
    reader.at = this.start;
    this.locals += reader.locals().length;
    const code = reader.at;
    this.scan();
    reader.at = code;
    this.labels.push({ tried: undefined, level: 0 });
    if (this.function.isTarget) this.function.landing = this.begin(Op.Block, [], [ValType.ExnRef]);
    while (reader.at < end) this.instruction();
    const head = new WasmWriter();
    head.u32(groups + (this.declared > 0 ? 1 : 0));
    head.append(bytes.subarray(from, code));
    if (this.declared > 0) {
      head.u32(this.declared);
      head.byte(ValType.ExnRef);
    }
    head.append(out.bytes);
    return head.bytes;
  }

  /** Finds the tries, and what is thrown again and delegated. */
  private scan(): void {
    const { reader, end } = this;
    const open: (Try | undefined)[] = [undefined];
    while (reader.at < end) {
      const at = reader.at;
      const row = reader.opcode();
      const [first] = reader.immediates(row);
      reader.at = skipInstruction(reader.bytes, at);
      const top = open[open.length - 1];
      switch (row.code) {
        case Op.Block:
        case Op.Loop:
        case Op.If:
          open.push(undefined);
          break;
        case Op.Try: {
          const found: Try = { isTarget: false, landing: -1, arms: [], target: undefined, arm: -1 };
          this.tries.set(at, found);
          open.push(found);
          break;
        }
        case Op.Catch:
        case Op.CatchAll:
          top!.arm = top!.arms.push({ tag: row.code === Op.Catch ? first : -1, isRethrown: false, local: -1 }) - 1;
          break;
        case Op.Rethrow: {
          const { arms, arm } = open[open.length - 1 - first]!;
          arms[arm].isRethrown = true;
          break;
        }
        case Op.Delegate: {
          open.pop();
          let target = open.length - 1 - first;
          while (target >= 0 && (open[target] === undefined || open[target]!.arm >= 0)) target--;
          top!.target = open[target] ?? this.function;
          top!.target.isTarget = true;
          break;
        }
        case Op.End:
          open.pop();
      }
    }
    for (const tried of this.tries.values()) tried.arm = -1;
  }

  private instruction(): void {
    const { reader, out, labels } = this;
    const { bytes } = reader;
    const at = reader.at;
    const row = reader.opcode();
    const immediates = reader.immediates(row);
    reader.at = skipInstruction(bytes, at);
    const top = labels[labels.length - 1];
    switch (row.code) {
      case Op.Block:
      case Op.Loop:
      case Op.If:
        out.append(bytes.subarray(at, reader.at));
        labels.push({ tried: undefined, level: this.open++ });
        return;
      case Op.Try:
        return this.beginTry(this.tries.get(at)!, blockType(this.to.module, immediates[0]));
      case Op.Catch:
      case Op.CatchAll:
        return this.nextArm(top);
      case Op.Delegate:
        this.leaveBody(top);
        labels.pop();
        return this.close();
      case Op.Rethrow: {
        const { tried } = labels[labels.length - 1 - immediates[0]];
        this.getCaught(tried!.arms[tried!.arm].local);
        return out.op(Op.ThrowRef);
      }
      case Op.End:
        labels.pop();
        if (labels.length === 0 && this.function.isTarget) {
          out.op(Op.Return);
          this.close();
          out.op(Op.ThrowRef);
        }
        return this.close();
      case Op.Br:
      case Op.BrIf:
      case Op.BrTable:
      case Op.BrOnNull:
      case Op.BrOnNonNull:
        out.op(row.code);
        if (row.code === Op.BrTable) out.u32(immediates.length - 1);
        for (const depth of immediates) out.u32(this.depthOf(labels[labels.length - 1 - depth].level));
        return;
      case Op.BrOnCast:
      case Op.BrOnCastFail: {
        const [flags, depth, source, target] = immediates;
        out.op(row.code);
        out.byte(flags);
        out.u32(this.depthOf(labels[labels.length - 1 - depth].level));
        for (const heap of [source, target]) out.signed(BigInt(heap));
        return;
      }
      default:
        out.append(bytes.subarray(at, reader.at));
    }
  }

  private depthOf(level: number): number {
    return this.open - 1 - level;
  }

  /** @returns the level of the label */
  private begin(op: Op, params: ArrayLike<number>, results: ArrayLike<number>): number {
    this.out.op(op);
    this.out.signed(BigInt(this.to.typeIndex(params, results)));
    return this.open++;
  }

  private close(): void {
    this.out.op(Op.End);
    this.open--;
  }

  private branch(level: number): void {
    this.out.op(Op.Br);
    this.out.u32(this.depthOf(level));
  }

  private beginTry(tried: Try, type: FuncType): void {
    const { params, results } = exactOf(type);
    const { out, labels, to } = this;
    if (tried.target !== undefined) {
      const depth = this.depthOf(tried.target.landing);
      labels.push({ tried, level: this.begin(Op.TryTable, params, results) });
      out.byte(1, CatchKind.CatchAllRef);
      out.u32(depth);
    } else {
      const { arms } = tried;
      const done = this.begin(Op.Block, params, results);
      const kinds = arms.map((arm) => this.kindOf(arm));
      for (let i = arms.length - 1; i >= 0; i--) {
        const carried = arms[i].tag < 0 ? [] : Array.from(exactOf(to.module.types[to.module.tags[arms[i].tag]]).params);
        if ((kinds[i] & CatchKind.CatchRef) !== 0) carried.push(ValType.ExnRef);
        this.begin(Op.Block, params, carried);
      }
      const level = this.begin(Op.TryTable, params, results);
      out.u32(arms.length);
      for (const [i, { tag }] of arms.entries()) {
        out.byte(kinds[i]);
        if (tag >= 0) out.u32(tag);
        out.u32(i);
      }
      labels.push({ tried, level: this.taken++ % 2 === 0 ? level : done });
    }
    if (tried.isTarget) tried.landing = this.begin(Op.Block, params, [ValType.ExnRef]);
  }

  /** A local is there for what is thrown again, and for some others. */
  private kindOf(arm: Arm): CatchKind {
    const kind = arm.tag < 0 ? CatchKind.CatchAll : CatchKind.Catch;
    if (!arm.isRethrown && this.taken % 3 === 0) return kind;
    arm.local = this.locals + this.declared++;
    return kind | CatchKind.CatchRef;
  }

  /** After the body of a try, within its try_table. */
  private leaveBody({ tried, level }: Label): void {
    if (!tried!.isTarget) return;
    if (tried!.target !== undefined) this.branch(level);
    else this.branch(tried!.landing - 1);
    this.close();
    this.out.op(Op.ThrowRef);
  }

  private nextArm(label: Label): void {
    const { out } = this;
    const tried = label.tried!;
    const { arms } = tried;
    if (tried.arm < 0) {
      this.leaveBody(label);
      this.close();
      label.level = this.open - 1 - arms.length;
    }
    this.branch(label.level);
    this.close();
    const { local } = arms[++tried.arm];
    if (local < 0) return;
    out.op(Op.LocalSet);
    out.u32(local);
    if (local % 2 === 0) this.putCaught(local);
  }

  /** Also in the table and the global, which others may overwrite. */
  private putCaught(local: number): void {
    const { out, to } = this;
    out.byte(Op.I32Const, local % HELD, Op.LocalGet);
    out.u32(local);
    out.op(Op.TableSet);
    out.u32(to.heldTable);
    out.op(Op.LocalGet);
    out.u32(local);
    out.op(Op.GlobalSet);
    out.u32(to.heldGlobal);
  }

  /** By way of the table or the global, or not. */
  private getCaught(local: number): void {
    const { out, to } = this;
    out.op(Op.LocalGet);
    out.u32(local);
    if (local % 3 === 0) return;
    if (local % 3 === 1) {
      out.op(Op.GlobalSet);
      out.u32(to.heldGlobal);
      out.op(Op.GlobalGet);
      out.u32(to.heldGlobal);
    } else {
      out.op(Op.LocalSet);
      out.u32(local);
      out.byte(Op.I32Const, local % HELD, Op.LocalGet);
      out.u32(local);
      out.op(Op.TableSet);
      out.u32(to.heldTable);
      out.byte(Op.I32Const, local % HELD, Op.TableGet);
      out.u32(to.heldTable);
    }
  }
}
