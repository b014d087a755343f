/**
 * A random function body. Walks: at every step something that fits what is on the stack, or what first pushes what it
 * needs. So operands stay on the stack for long, under blocks, calls and assignments to the locals they came from.
 *
 * Ends for certain: a back edge is taken by a counting local that nothing else writes, or only while there is fuel.
 */

import { Op } from '../../src/compile/wasm/opcodes.js';
import type { Choices } from './choices.js';
import { type Code, operandsOf } from './code.js';
import { DEEP, Exceptions, type Walk } from './exceptions.js';
import { MemoryInstructions } from './memory-instructions.js';
import { FuncRef, fuelGlobal, I32, isFuel, isReference, type Shape, valueTypes } from './shape.js';
import { TailCalls } from './tail-calls.js';
import { Values } from './values.js';

const COMPARISONS_FIRST = Op.I32Eqz;
const COMPARISONS_LAST = Op.F64Ge;

/** What a step does, by weight. The first must be harmless: it is what an exhausted list of choices gives. */
const STEPS = [
  ['push', 16],
  ['get', 8],
  ['operate', 30],
  ['setLocal', 14],
  ['compare', 5],
  ['load', 5],
  ['store', 5],
  ['block', 9],
  ['branchIf', 4],
  ['select', 3],
  ['call', 3],
  ['callIndirect', 2],
  ['globalSet', 2],
  ['drop', 2],
  ['branch', 1],
  ['branchTable', 1],
  ['bulk', 1],
  ['table', 2],
  ['countedLoop', 2],
  ['leave', 1],
  ['tailCall', 3],
  ['try', 8],
  ['throw', 3],
  ['rethrow', 3],
] as const;
const FEATURES: ReadonlyMap<string, (shape: Shape) => boolean> = new Map([
  ['tailCall', ({ tailCalls }) => tailCalls],
  ...['try', 'throw', 'rethrow'].map((name) => [name, ({ tags }: Shape) => tags.length > 0] as const),
]);
/**
 * Characters of functions: of everything; without calls, so that many locals are pinned; with many calls and assignments; with
 * hardly any calls and many uses of locals; with many branches; with some of all.
 */
const CHARACTERS: readonly (readonly number[])[] = [
  STEPS.map(([, weight]) => weight),
  STEPS.map(([name, weight]) => (['call', 'callIndirect', 'bulk', 'table'].includes(name) ? 0 : weight)),
  STEPS.map(([name, weight]) => (['call', 'callIndirect', 'get', 'setLocal'].includes(name) ? 4 * weight : weight)),
  STEPS.map(([name, weight]) =>
    name === 'callIndirect' ? 1 : ['call', 'bulk', 'table'].includes(name) ? 0 : name === 'get' ? 24 : weight,
  ),
  STEPS.map(([name, weight]) => (/block|branch|Loop/.test(name) ? 3 * weight : weight)),
  STEPS.map(([name, weight]) => (['setLocal', 'branchIf', 'call', 'get'].includes(name) ? 3 * weight : weight)),
];

const HIGH = 14;

export class Body implements Walk {
  private readonly values: Values;
  private readonly memory: MemoryInstructions;
  private readonly tailCalls: TailCalls;
  private readonly exceptions: Exceptions;
  private readonly counters = new Set<number>();
  private readonly weights: readonly number[];

  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private budget: number,
  ) {
    this.values = new Values(choices, code);
    this.memory = new MemoryInstructions(choices, code, this.values);
    this.weights = choices
      .pick(CHARACTERS)
      .map((weight, i) => ((FEATURES.get(STEPS[i][0])?.(code.shape) ?? true) ? weight : 0));
    this.tailCalls = new TailCalls(choices, code, this.values);
    this.exceptions = new Exceptions(choices, code, this.values, this);
    this.memory.mayWrite = (local) => this.mayWrite(local);
  }

  /** Writes all of the body, the last `end` included. */
  write(): void {
    this.enter();
    this.steps(1000);
    this.finish();
    this.code.end();
  }

  /** A function without fuel returns zeros. */
  private enter(): void {
    const { code } = this;
    this.burn();
    this.fuel();
    code.i32(0);
    code.op(Op.I32LtS);
    code.begin(Op.If, [], []);
    for (const type of code.results) this.zero(type);
    code.instruction(Op.Return, code.results.length, []);
    code.die();
    code.end();
  }

  private zero(type: number): void {
    if (isReference(type)) this.code.refNull(type);
    else this.values.constant(type);
  }

  private fuel(): void {
    this.code.globalGet(fuelGlobal(this.code.shape));
  }

  private burn(): void {
    const { code } = this;
    this.fuel();
    code.i32(1);
    code.op(Op.I32Sub);
    code.globalSet(fuelGlobal(code.shape));
  }

  mayWrite(local: number): boolean {
    return !this.counters.has(local);
  }

  // -- steps

  steps(most: number): void {
    const { choices, code } = this;
    while (this.budget > 0 && most-- > 0) {
      if (choices.next(40) === 0) return; // also when the choices have run out
      if (code.frame.dead && choices.next(3) === 0) return;
      this.budget--;
      if (code.available > HIGH && choices.next(3) > 0) this.shrink();
      else this.step(STEPS[choices.weighted(this.weights)][0]);
    }
  }

  private step(name: (typeof STEPS)[number][0]): void {
    const { choices, code, values } = this;
    if (code.shape.atomics && choices.oneIn(8)) return this.memory.atomic();
    switch (name) {
      case 'push':
        return values.push(choices.pick(valueTypes(choices, 1, code.shape.vectors).concat(I32)));
      case 'get':
        return this.get();
      case 'operate':
        return this.operate();
      case 'setLocal':
        return this.setLocal();
      case 'compare':
        return this.compare();
      case 'load':
        return this.memory.load();
      case 'store':
        return this.memory.store();
      case 'block':
        return this.block();
      case 'branchIf':
        return this.branchIf();
      case 'select':
        return this.select();
      case 'call':
        return this.call();
      case 'callIndirect':
        return this.callIndirect();
      case 'globalSet':
        return this.globalSet();
      case 'drop':
        if (code.top !== undefined) this.discard();
        return;
      case 'branch':
        return this.branch();
      case 'branchTable':
        return this.branchTable();
      case 'bulk':
        return this.memory.bulk();
      case 'table':
        return this.memory.table();
      case 'countedLoop':
        return this.countedLoop();
      case 'leave':
        return this.leave();
      case 'tailCall':
        return this.tailCalls.write();
      case 'try':
        return this.exceptions.tryBlock();
      case 'throw':
        return this.exceptions.throwTag();
      case 'rethrow':
        return this.exceptions.rethrow();
    }
  }

  private get(): void {
    const { choices, code } = this;
    if (code.ownLocals > 0) code.localGet(choices.next(code.ownLocals));
  }

  private operate(): void {
    const { choices, code, values } = this;
    const type = code.top;
    if (type === undefined || isReference(type)) return values.push(I32);
    const op = choices.pick(values.taking(type));
    this.apply(op);
  }

  private apply(op: Op): void {
    const { values } = this;
    values.ensure(operandsOf(op));
    values.operate(op);
  }

  /** A condition: what branches and selects are fused with. */
  private compare(): void {
    const { choices } = this;
    this.apply(COMPARISONS_FIRST + choices.next(COMPARISONS_LAST - COMPARISONS_FIRST + 1));
    for (let i = choices.small(3); i > 0; i--) this.code.op(Op.I32Eqz);
  }

  private condition(): void {
    const { choices, code, values } = this;
    if (choices.oneIn(3)) values.ensure([I32]);
    else if (choices.oneIn(6) && code.top !== undefined && isReference(code.top)) {
      code.instruction(Op.RefIsNull, 1, [I32]);
    } else this.compare();
  }

  private shrink(): void {
    if (this.choices.next(3) > 0) return this.setLocal();
    this.discard();
  }

  /** Drops the top of the stack, or puts it into a global, where `state` sees it. */
  private discard(): void {
    const { choices, code } = this;
    const { top } = code;
    const global = choices.next(3) > 0 ? this.globalOf((type) => type === top) : -1;
    if (global >= 0) code.globalSet(global);
    else code.drop();
  }

  /** A global that may be written, -1 when there is none. */
  private globalOf(fits: (type: number) => boolean): number {
    const { choices, code } = this;
    const { globals } = code.shape;
    const candidates: number[] = [];
    for (const [i, { type, mutable }] of globals.entries()) {
      if (mutable && fits(type) && !isFuel(code.shape, i)) candidates.push(i);
    }
    return candidates.length > 0 ? choices.pick(candidates) : -1;
  }

  private setLocal(): void {
    const { choices, code, values } = this;
    const { top } = code;
    if (top === undefined) return;
    const local = values.localOf(top, (index) => this.mayWrite(index));
    if (local < 0) return this.discard();
    if (choices.oneIn(3)) code.localTee(local);
    else code.localSet(local);
  }

  private globalSet(): void {
    const { code, values } = this;
    const index = this.globalOf(() => true);
    if (index < 0) return;
    values.ensure([code.shape.globals[index].type]);
    code.globalSet(index);
  }

  private select(): void {
    const { choices, code, values } = this;
    const type = code.top ?? I32;
    values.ensure([type, type]);
    this.conditionOnTop();
    code.select(choices.oneIn(4));
  }

  /** A condition that leaves what is below it. */
  private conditionOnTop(): void {
    const { choices, code, values } = this;
    values.push(I32, choices.next(3));
    if (choices.oneIn(3)) code.op(Op.I32Eqz);
  }

  call(): void {
    const { choices, code, values } = this;
    const index = choices.next(code.shape.functions.length);
    const { params, results } = code.shape.functions[index];
    values.ensure(params);
    code.instruction(Op.Call, params.length, results, index);
  }

  private callIndirect(): void {
    const { choices, code, values } = this;
    const { functions, elements, tables, types } = code.shape;
    const element = choices.next(elements.length);
    const { type } = functions[choices.oneIn(12) ? choices.next(functions.length) : Math.max(0, elements[element])];
    const { params, results } = types.list[type];
    values.ensure(params);
    if (choices.oneIn(8)) {
      values.push(I32);
      code.i32(15);
      code.op(Op.I32And);
    } else if (elements[element] < 0 && !choices.oneIn(8)) {
      const known = elements.findIndex((index) => index >= 0 && functions[index].type === type);
      code.i32(Math.max(0, known));
    } else code.i32(element);
    const table = choices.oneIn(16) && tables.length > 1 && tables[1].element === FuncRef ? 1 : 0;
    code.instruction(Op.CallIndirect, params.length + 1, results, type, table);
  }

  // -- control

  private block(): void {
    const { choices, code } = this;
    if (code.frames.length > DEEP) return;
    const take = Math.min(choices.small(4), code.available);
    const params = code.stack.slice(code.stack.length - take);
    const kind = choices.next(3);
    if (kind === 2) return this.ifBlock(params);
    code.begin(kind === 1 ? Op.Loop : Op.Block, params, this.blockResults());
    this.steps(choices.next(30));
    if (choices.oneIn(8)) this.call();
    this.finish();
    code.end();
  }

  /** Any, or those of the block around, of a function, or what is on the stack. */
  blockResults(): readonly number[] {
    const { choices, code } = this;
    switch (choices.next(6)) {
      case 5:
        return code.frame.results;
      case 4:
        return choices.pick(code.shape.functions).results;
      case 3:
        return code.stack.slice(code.stack.length - Math.min(code.available, choices.next(4)));
      default:
        return valueTypes(choices, 3, code.shape.vectors);
    }
  }

  private ifBlock(params: readonly number[]): void {
    const { choices, code } = this;
    if (params.length > 0 || choices.oneIn(4)) this.conditionOnTop();
    else this.condition();
    const withElse = choices.oneIn(2);
    code.begin(Op.If, params, withElse ? this.blockResults() : params);
    this.steps(choices.next(20));
    if (choices.oneIn(8)) this.call();
    this.finish();
    if (withElse) {
      code.beginElse();
      this.steps(choices.next(20));
      this.finish();
    }
    code.end();
  }

  /** counter = n; loop { …; br_if (--counter) }, the counter tested in one of several ways. */
  private countedLoop(): void {
    const { choices, code, values } = this;
    if (code.frames.length > DEEP) return;
    const counter = values.localOf(I32, (index) => this.mayWrite(index));
    if (counter < 0) return;
    const times = 1 + choices.next(4);
    const up = choices.oneIn(2);
    code.i32(up ? 0 : times);
    code.localSet(counter);
    const take = Math.min(choices.small(3), code.available);
    const params = code.stack.slice(code.stack.length - take);
    code.begin(Op.Loop, params, valueTypes(choices, 2, code.shape.vectors));
    this.counters.add(counter);
    this.steps(choices.next(30));
    if (!code.frame.dead) {
      values.ensure(params);
      code.localGet(counter);
      code.i32(1);
      code.op(up ? Op.I32Add : Op.I32Sub);
      code.localTee(counter);
      if (up) {
        code.i32(times);
        code.op(Op.I32LtU);
      }
      code.instruction(Op.BrIf, 1, [], 0);
    }
    this.finish();
    this.counters.delete(counter);
    code.end();
  }

  /** Makes the stack what the end of the innermost block wants, dropping or by a branch. */
  finish(): void {
    const { choices, code, values } = this;
    const { results, base, dead } = code.frame;
    const outermost = code.frames.length === 1;
    const left = !dead && outermost && code.shape.tailCalls && choices.oneIn(2) && this.tailCalls.call();
    if (!left && !dead && code.available > 0 && choices.oneIn(3)) {
      values.ensure(results);
      if (code.available > results.length) {
        const last = outermost && choices.oneIn(2);
        if (last) code.indexed(Op.Return);
        else if (code.frame.op !== Op.Loop) code.indexed(Op.Br, 0);
        if (last || code.frame.op !== Op.Loop) code.die();
      }
    }
    let fit = 0;
    while (fit < results.length && code.stack[base + fit] === results[fit]) fit++;
    while (code.available > fit) this.discard();
    for (const type of results.slice(fit)) values.push(type);
  }

  private branchIf(): void {
    const { choices, code, values } = this;
    const depth = choices.small(code.frames.length);
    const types = code.labelTypes(depth);
    values.ensure(types);
    const backward = this.isLoop(depth);
    if (backward) this.burn();
    if (types.length === 0 && !backward) this.condition();
    else this.conditionOnTop();
    if (backward) {
      this.fuel();
      code.i32(0);
      code.op(Op.I32GtS);
      code.op(Op.I32And);
    }
    code.instruction(Op.BrIf, 1, [], depth);
  }

  private branch(): void {
    const { choices, code, values } = this;
    let depth = choices.small(code.frames.length);
    if (!this.isLoop(depth)) {
      values.ensure(code.labelTypes(depth));
      code.indexed(Op.Br, depth);
      return code.die();
    }
    const types = code.labelTypes(depth++);
    this.whileFuel(() => {
      values.ensure(types);
      code.indexed(Op.Br, depth);
    });
  }

  private branchTable(): void {
    const { choices, code, values } = this;
    const write = (extra: number) => {
      const last = extra + choices.next(code.frames.length - extra);
      const types = code.labelTypes(last);
      const same = code.frames
        .map((_, depth) => depth)
        .filter((depth) => `${code.labelTypes(depth)}` === `${types}` && depth >= extra);
      const targets = Array.from({ length: choices.small(10) }, () => choices.pick(same));
      values.ensure(types);
      values.push(I32);
      if (targets.length > 0 && choices.oneIn(2)) {
        code.i32(targets.length);
        code.op(Op.I32RemU);
      }
      code.indexed(Op.BrTable, targets.length, ...targets, last);
    };
    if (code.frames.some(({ op }) => op === Op.Loop)) return this.whileFuel(() => write(1));
    write(0);
    code.die();
  }

  /** An if around code that does not go on, entered only while there is fuel. */
  private whileFuel(write: () => void): void {
    const { code } = this;
    this.burn();
    this.fuel();
    code.i32(0);
    code.op(Op.I32GtS);
    code.begin(Op.If, [], []);
    write();
    code.die();
    code.end();
  }

  private leave(): void {
    const { choices, code, values } = this;
    if (choices.oneIn(8)) {
      code.indexed(Op.Unreachable);
      return code.die();
    }
    if (code.frames.length < 3 && !choices.oneIn(4)) return;
    if (code.shape.tailCalls && !choices.oneIn(4) && this.tailCalls.call()) return;
    values.ensure(code.results);
    code.indexed(Op.Return);
    code.die();
  }

  private isLoop(depth: number): boolean {
    const { frames } = this.code;
    return frames[frames.length - 1 - depth].op === Op.Loop;
  }
}
