/**
 * The list of safepoints that a module must have, with the types of what is live at each: an abstract interpretation of
 * the opcode table, which shares nothing with the validator or the code generators but that table.
 *
 * Sites are in reachable code only. Whether code is reachable follows from the structure alone. Nothing is reachable
 * after br, br_table, return, unreachable, tail calls and throws, up to the `else` of a reachable `if`, a catch body of
 * a reachable `try`, the `end` of a block that a reachable branch leaves, or a clause of a reachable `try_table`.
 */

import { SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../../src/image/contract/site-tables.js';
import { type FuncType, type Module, ValType } from '../../src/wasm/module.js';
import { Op, type Opcode } from '../../src/wasm/opcodes.js';
import { erased, erasedByte } from '../../src/wasm/ref-types.js';
import { BodyReader, BUILTINS, blockType } from './body-reader.js';
import { FuncRef, I32 } from './shape.js';

export interface ExpectedSite {
  readonly bodyOffset: number;
  readonly kind: number; // SITE_*
  readonly operands: readonly number[];
  readonly results: readonly number[];
}

export interface ExpectedFunction {
  readonly index: number;
  readonly locals: readonly number[];
  /** In the order of the code. */
  readonly sites: readonly ExpectedSite[];
}

interface Frame {
  readonly op: Op;
  readonly params: readonly number[];
  readonly results: readonly number[];
  readonly base: number;
  readonly wasReachable: boolean;
  branched: boolean;
}

export function expectedSites(module: Module): ExpectedFunction[] {
  const count = module.bodyStart.length;
  return Array.from({ length: count }, (_, i) => new Interpreter(module, i).run());
}

class Interpreter {
  private readonly reader: BodyReader;
  private readonly start: number;
  private readonly type: FuncType;
  private readonly locals: number[];
  private readonly sites: ExpectedSite[] = [];
  private readonly stack: number[] = [];
  private readonly frames: Frame[] = [];
  private reachable = true;

  constructor(
    private readonly module: Module,
    private readonly defined: number,
  ) {
    this.start = module.bodyStart[defined];
    this.reader = new BodyReader(module.bytes, this.start);
    this.type = module.types[module.funcTypes[module.importedFuncCount + defined]];
    this.locals = [...this.type.params, ...this.reader.locals()];
  }

  run(): ExpectedFunction {
    const { module, defined } = this;
    this.sites.push({ bodyOffset: 0, kind: SITE_ENTRY, operands: [...this.type.params], results: [] });
    const results = [...this.type.results];
    this.frames.push({ op: Op.Unreachable, params: [], results, base: 0, wasReachable: true, branched: false });
    while (this.reader.at < module.bodyEnd[defined]) this.instruction();
    return { index: module.importedFuncCount + defined, locals: this.locals, sites: this.sites };
  }

  private instruction(): void {
    const { reader } = this;
    const offset = reader.at - this.start;
    const row = reader.opcode();
    const immediates = reader.immediates(row);
    const { code } = row;
    switch (code) {
      case Op.Block:
      case Op.Loop:
      case Op.If:
      case Op.Try:
      case Op.TryTable:
        return this.begin(code, offset, immediates);
      case Op.Else:
        return this.otherArm();
      case Op.Catch:
      case Op.CatchAll:
        return this.catchBody(code === Op.Catch ? immediates[0] : -1);
      case Op.Delegate:
      case Op.End:
        return this.end();
    }
    if (!this.reachable) return;
    const builtin = BUILTINS.get(code);
    if (builtin !== undefined) {
      this.stack.length -= builtin.takes;
      return this.call(offset, [], builtin.gives ? [I32] : []);
    }
    this.perform(code, row, immediates, offset);
  }

  private begin(op: Op, offset: number, [immediate, ...clauses]: readonly number[]): void {
    const { params, results } = listed(blockType(this.module, immediate));
    for (let i = 0; i < clauses.length && this.reachable; i += 3) this.branch(clauses[i + 2]);
    if (this.reachable && op === Op.If) this.stack.pop();
    const base = this.reachable ? this.stack.length - params.length : 0;
    this.frames.push({ op, params, results, base, wasReachable: this.reachable, branched: false });
    if (op === Op.Loop && this.reachable) this.site(offset, SITE_LOOP, []);
  }

  private otherArm(): void {
    const frame = this.frames[this.frames.length - 1];
    if (this.reachable) frame.branched = true;
    this.frames[this.frames.length - 1] = { ...frame, op: Op.Else };
    this.reachable = frame.wasReachable;
    if (!this.reachable) return;
    this.stack.length = frame.base;
    this.stack.push(...frame.params);
  }

  /** The exception is an operand that the module does not see. */
  private catchBody(tag: number): void {
    const frame = this.frames[this.frames.length - 1];
    if (this.reachable) frame.branched = true;
    this.reachable = frame.wasReachable;
    if (!this.reachable) return;
    const { module, stack } = this;
    stack.length = frame.base;
    stack.push(ValType.ExnRef);
    if (tag >= 0) stack.push(...module.types[module.tags[tag]].params);
  }

  private end(): void {
    const { op, results, base, wasReachable, branched } = this.frames.pop()!;
    if (!wasReachable) return;
    if (op === Op.If || (op !== Op.Loop && branched)) this.reachable = true;
    if (!this.reachable) return;
    this.stack.length = base;
    this.stack.push(...results);
  }

  private perform(code: Op, row: Opcode, immediates: readonly number[], offset: number): void {
    const { module, stack } = this;
    switch (code) {
      case Op.Call: {
        const { params, results } = module.types[module.funcTypes[immediates[0]]];
        return this.call(offset, params, results);
      }
      case Op.CallIndirect: {
        stack.pop();
        const { params, results } = module.types[immediates[0]];
        return this.call(offset, params, results);
      }
      case Op.CallRef: {
        stack.pop();
        const { params, results } = module.types[immediates[0]];
        return this.call(offset, params, results);
      }
      case Op.RefAsNonNull:
        return;
      case Op.RefCast:
      case Op.RefCastNull:
        return;
      case Op.RefTest:
      case Op.RefTestNull:
        stack[stack.length - 1] = I32;
        return;
      case Op.BrOnCast:
      case Op.BrOnCastFail:
        return this.branch(immediates[1]);
      case Op.BrOnNull:
        return this.branch(immediates[0]);
      case Op.BrOnNonNull:
        stack.pop();
        return this.branch(immediates[0]);
      case Op.Br:
      case Op.BrTable:
        for (const depth of immediates) this.branch(depth);
        this.reachable = false;
        return;
      case Op.BrIf:
        stack.pop();
        return this.branch(immediates[0]);
      case Op.ReturnCall:
      case Op.ReturnCallIndirect:
      case Op.ReturnCallRef:
        this.tailCall(code, immediates, offset);
        this.reachable = false;
        return;
      case Op.Return:
      case Op.Throw:
      case Op.ThrowRef:
      case Op.Rethrow:
      case Op.Unreachable:
        this.reachable = false;
        return;
      case Op.Drop:
      case Op.LocalSet:
      case Op.GlobalSet:
        stack.pop();
        return;
      case Op.Select:
      case Op.SelectT:
        stack.length -= 2;
        return;
      case Op.LocalGet:
        stack.push(this.locals[immediates[0]]);
        return;
      case Op.LocalTee:
        return;
      case Op.GlobalGet:
        stack.push(erased(module.globals[immediates[0]].type));
        return;
      case Op.TableGet:
        stack[stack.length - 1] = erased(module.tables[immediates[0]].element);
        return;
      case Op.TableSet:
        stack.length -= 2;
        return;
      case Op.RefNull: // of a type of the module: the abstract one
        stack.push(immediates[0] >= 0 ? FuncRef : erasedByte(immediates[0] & 0x7f));
        return;
      case Op.RefFunc:
        stack.push(FuncRef);
        return;
      case Op.RefIsNull:
        stack[stack.length - 1] = I32;
        return;
    }
    if (row.operands === undefined || row.results === undefined) throw new Error(`site list: ${row.name}`);
    stack.length -= row.operands.length;
    stack.push(...row.results);
  }

  /** A site is only where the callee may be another instance's, and so may be called. */
  private tailCall(code: Op, [index]: readonly number[], offset: number): void {
    const { module, stack } = this;
    if (code !== Op.ReturnCall) stack.pop();
    else if (index >= module.importedFuncCount) return;
    const { params, results } = module.types[code === Op.ReturnCall ? module.funcTypes[index] : index];
    this.call(offset, params, results);
  }

  private branch(depth: number): void {
    this.frames[this.frames.length - 1 - depth].branched = true;
  }

  private call(offset: number, params: ArrayLike<number>, results: Iterable<number>): void {
    this.stack.length -= params.length;
    const list = [...results];
    this.site(offset, SITE_CALL, list);
    this.stack.push(...list);
  }

  private site(bodyOffset: number, kind: number, results: readonly number[]): void {
    this.sites.push({ bodyOffset, kind, operands: [...this.stack], results });
  }
}

function listed({ params, results }: FuncType) {
  return { params: [...params], results: [...results] };
}
