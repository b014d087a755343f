/**
 * Parallel moves: arguments from anywhere to argument registers at once. Over a macro-assembler that is a model:
 * registers and slots that hold values.
 */

import { expect, test } from 'vitest';
import { FLOAT_BASE, type MacroAssembler, NO_REG } from '../../../../src/arch/masm/masm.js';
import { x64 } from '../../../../src/arch/x64/target.js';
import { Frame } from '../../../../src/compile/baseline/frame.js';
import { Operands } from '../../../../src/compile/baseline/operands.js';
import { ParallelMove } from '../../../../src/compile/baseline/parallel-move.js';
import { ValType } from '../../../../src/wasm/module.js';
import { Choices } from '../../../fuzz/choices.js';

const { plan } = x64;

/** What registers and slots hold, and how many instructions it took. */
class Model {
  readonly plan = plan;
  readonly scratch = 1; // rcx
  readonly registers = new Map<number, string>();
  readonly slots = new Map<number, string>();
  moves = 0;
  exchanges = 0;

  moveInt(_wide: number, dst: number, src: number): void {
    this.moves++;
    this.registers.set(dst, this.registers.get(src)!);
  }

  moveFloat(dst: number, src: number): void {
    this.moveInt(0, dst, src);
  }

  exchange(a: number, b: number): void {
    this.exchanges++;
    const value = this.registers.get(a)!;
    this.registers.set(a, this.registers.get(b)!);
    this.registers.set(b, value);
  }

  constant(dst: number, _wide: number, lo: number): void {
    this.registers.set(dst, `constant ${lo}`);
  }

  floatConstant(dst: number, _wide: number, lo: number): void {
    this.registers.set(this.scratch, 'spoilt');
    this.registers.set(dst, `constant ${lo}`);
  }

  loadSlot(_width: number, dst: number, slot: number): void {
    this.registers.set(dst, this.slots.get(slot)!);
  }
}

interface Machine {
  readonly model: Model;
  readonly operands: Operands;
  readonly move: ParallelMove;
}

function machine(): Machine {
  const model = new Model();
  const masm = model as unknown as MacroAssembler;
  const operands = new Operands(masm, new Frame(plan));
  operands.reset(64);
  return { model, operands, move: new ParallelMove(masm, operands) };
}

function holdRegister({ model, operands }: Machine, reg: number): string {
  const value = `value of ${reg}`;
  model.registers.set(reg, value);
  operands.pushReg(reg >= FLOAT_BASE ? ValType.F64 : ValType.I64, reg);
  return value;
}

/** Registers from[i] -> to[i] at once. */
function moved(from: readonly number[], to: readonly number[]): Model {
  const one = machine();
  const values = from.map((reg) => holdRegister(one, reg));
  one.move.run(0, from.length, to);
  expect(to.map((reg) => one.model.registers.get(reg))).toEqual(values);
  return one.model;
}

const [a, b, c, d] = plan.argInts;

test('a chain takes a move each, in the right order', () => {
  const model = moved([a, b, c], [b, c, d]);
  expect([model.moves, model.exchanges]).toEqual([3, 0]);
  moved([c, b, a], [d, c, b]);
});

test('what is in place is left alone', () => {
  const model = moved([a, b, c], [a, b, c]);
  expect([model.moves, model.exchanges]).toEqual([0, 0]);
});

test('cycles are exchanged: one exchange less than members', () => {
  expect(moved([a, b], [b, a]).exchanges).toBe(1);
  expect(moved([a, b, c], [b, c, a]).exchanges).toBe(2);
  expect(moved([a, b, c, d], [d, a, b, c]).exchanges).toBe(3);
  expect(moved([a, b, c, d], [b, a, d, c]).exchanges).toBe(2);
});

test('cycles of both classes, with a chain', () => {
  const [x, y, z] = plan.argFloats;
  moved([a, x, b, y, c, z], [b, y, a, z, d, x]);
});

test('destinations that are no operand registers, as system calls have', () => {
  const pinned = plan.pinnedInts;
  moved([a, b, c], [pinned[0], a, pinned[1]]);
});

test('any mapping, with operands from slots and constants between', () => {
  for (let seed = 0; seed < 500; seed++) {
    const choices = new Choices(seed);
    const one = machine();
    const { model, operands } = one;
    const free = [...plan.operandInts];
    const targets = [...plan.argInts];
    const expected = new Map<number, string>();
    const regs: number[] = [];
    const take = (list: number[]) => list.splice(choices.next(list.length), 1)[0];
    for (let i = 0; i < plan.argInts.length + 3; i++) {
      const at = operands.height;
      let value: string;
      const how = choices.next(4);
      if (how < 2 && free.length > 0) value = holdRegister(one, take(free));
      else if (how === 2) {
        value = `slot ${i}`;
        model.slots.set(operands.frame.operandSlot(at), value);
        operands.pushSlot(ValType.I64);
      } else {
        value = `constant ${i}`;
        operands.pushConst(ValType.I64, i, 0);
      }
      // the last ones are stack arguments, which are stored before
      if (targets.length === 0 || choices.oneIn(4)) regs.push(NO_REG);
      else {
        const target = take(targets);
        regs.push(target);
        expected.set(target, value);
      }
    }
    one.move.run(0, regs.length, regs);
    for (const [reg, value] of expected) expect(model.registers.get(reg), `seed ${seed}`).toBe(value);
    expect([...one.move['readers']].every((count) => count === 0)).toBe(true);
  }
});
