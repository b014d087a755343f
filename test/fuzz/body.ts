/**
 * A random function body. A walk: each step writes something whose operands are on the stack, or first pushes them. So
 * operands stay on the stack for long, under blocks, calls and assignments to the locals they came from.
 *
 * Always ends: a loop counts in a local that nothing else writes, or a back edge is taken only while there is fuel.
 */

import { Op } from '../../src/wasm/opcodes.js';
import { Blocks } from './blocks.js';
import { Branches } from './branches.js';
import { Calls } from './calls.js';
import { Casts } from './casts.js';
import type { Choices } from './choices.js';
import { type Code, operandsOf } from './code.js';
import { Conditions } from './conditions.js';
import { Exceptions } from './exceptions.js';
import { burn, pushFuel } from './fuel.js';
import { MemoryInstructions } from './memory-instructions.js';
import { NullChecks } from './null-checks.js';
import { isNonNull } from './reference-types.js';
import { I32, isFuel, isReference, valueTypes } from './shape.js';
import { type StepName, Steps } from './steps.js';
import { TailCalls } from './tail-calls.js';
import { Values } from './values.js';
import type { Walk } from './walk.js';

/** From this height on the stack is made smaller. */
const HIGH = 14;

export class Body implements Walk {
  private readonly values: Values;
  private readonly memory: MemoryInstructions;
  private readonly calls: Calls;
  private readonly tailCalls: TailCalls;
  private readonly conditions: Conditions;
  private readonly blocks: Blocks;
  private readonly branches: Branches;
  private readonly exceptions: Exceptions;
  private readonly nullChecks: NullChecks;
  private readonly casts: Casts;
  private readonly kinds: Steps;

  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private budget: number,
  ) {
    const values = new Values(choices, code);
    this.values = values;
    this.memory = new MemoryInstructions(choices, code, values);
    this.memory.mayWrite = (local) => this.mayWrite(local);
    this.calls = new Calls(choices, code, values);
    this.tailCalls = new TailCalls(choices, code, values);
    this.conditions = new Conditions(choices, code, values);
    this.blocks = new Blocks(choices, code, values, this.conditions, this);
    this.branches = new Branches(choices, code, values, this.conditions, this.tailCalls);
    this.exceptions = new Exceptions(choices, code, values, this);
    this.nullChecks = new NullChecks(choices, code, values, this);
    this.casts = new Casts(choices, code, values, this);
    this.kinds = new Steps(choices, code.shape);
  }

  /** Writes all of the body, the last `end` included. */
  write(): void {
    this.enter();
    this.steps(1000);
    this.finish();
    this.code.end();
  }

  /** A function without fuel returns zeros. Locals that cannot be null get their first value. */
  private enter(): void {
    const { code, values } = this;
    burn(code);
    pushFuel(code);
    code.i32(0);
    code.op(Op.I32LtS);
    code.begin(Op.If, [], []);
    for (const type of code.results) {
      if (isReference(type)) code.zero(type);
      else values.constant(type);
    }
    code.instruction(Op.Return, code.results.length, []);
    code.die();
    code.end();
    for (let local = code.paramCount; local < code.ownLocals; local++) {
      if (!isNonNull(code.locals[local])) continue;
      values.constant(code.locals[local]);
      code.localSet(local);
    }
  }

  mayWrite(local: number): boolean {
    return this.blocks.mayWrite(local);
  }

  blockResults(): readonly number[] {
    return this.blocks.results();
  }

  call(): void {
    this.calls.call();
  }

  // -- steps

  steps(most: number): void {
    const { choices, code } = this;
    while (this.budget > 0 && most-- > 0) {
      if (choices.next(40) === 0) return; // also when the choices have run out
      if (code.frame.dead && choices.next(3) === 0) return;
      this.budget--;
      if (code.available > HIGH && choices.next(3) > 0) this.shrink();
      else this.step(this.kinds.next());
    }
  }

  private step(name: StepName): void {
    const { choices, code, values } = this;
    if (code.shape.atomics && choices.oneIn(8)) return this.memory.atomic();
    switch (name) {
      case 'push':
        return values.push(choices.pick(valueTypes(choices, 1, code.localKinds).concat(I32)));
      case 'get':
        return this.get();
      case 'operate':
        return this.operate();
      case 'setLocal':
        return this.setLocal();
      case 'compare':
        return this.conditions.compare();
      case 'load':
        return this.memory.load();
      case 'store':
        return this.memory.store();
      case 'block':
        return this.blocks.block();
      case 'branchIf':
        return this.branches.branchIf();
      case 'select':
        return this.select();
      case 'call':
        return this.calls.call();
      case 'callIndirect':
        return this.calls.indirect();
      case 'globalSet':
        return this.globalSet();
      case 'drop':
        if (code.top !== undefined) this.discard();
        return;
      case 'branch':
        return this.branches.branch();
      case 'branchTable':
        return this.branches.branchTable();
      case 'bulk':
        return this.memory.bulk();
      case 'table':
        return this.memory.table();
      case 'countedLoop':
        return this.blocks.countedLoop();
      case 'leave':
        return this.branches.leave();
      case 'tailCall':
        return this.tailCalls.write();
      case 'try':
        return this.exceptions.tryBlock();
      case 'throw':
        return this.exceptions.throwTag();
      case 'rethrow':
        return this.exceptions.rethrow();
      case 'callRef':
        return this.calls.reference();
      case 'nonNull':
        return this.nullChecks.nonNull();
      case 'branchOnNull':
        return this.nullChecks.branchOnNull();
      case 'branchOnNonNull':
        return this.nullChecks.branchOnNonNull();
      case 'refTest':
        return this.casts.test();
      case 'refCast':
        return this.casts.cast();
      case 'branchOnCast':
        return this.casts.branch();
    }
  }

  private get(): void {
    const { choices, code } = this;
    if (code.ownLocals > 0) code.localGet(choices.next(code.ownLocals));
  }

  private operate(): void {
    const { choices, code, values } = this;
    const type = code.top;
    const ops = type === undefined ? [] : values.taking(type);
    if (ops.length === 0) return values.push(I32);
    const op = choices.pick(ops);
    values.ensure(operandsOf(op));
    values.operate(op);
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
    this.conditions.onTop();
    code.select(choices.oneIn(4));
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
}
