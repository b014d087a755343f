/**
 * A module that runs a case's steps from `_start` and prints each step's results, 8 bytes each: for processes that are
 * captured on their way. It is linked to the case's modules, so the stack holds frames of several instances.
 */

import { Op } from '../../src/wasm/opcodes.js';
import { runInV8 } from './oracle.js';
import type { Outcome } from './outcome.js';
import type { Case, RandomModule } from './random-module.js';
import { I32, I64 } from './shape.js';
import { WasmWriter } from './wasm-writer.js';

const WASI = 'wasi_snapshot_preview1';
const IOVEC = 0;
const RESULTS = 64; // in its memory

/**
 * The case without steps that trap, and what V8 says of it.
 *
 * @param oracle what V8 runs: the same case, perhaps with more code
 */
export function withoutTraps(whole: Case, oracle: Case): { one: Case; expected: readonly Outcome[] } {
  let one = whole;
  for (;;) {
    const expected = runInV8({ ...oracle, steps: one.steps });
    const steps = one.steps.filter((_, i) => expected[i].traps.length === 0);
    if (steps.length === one.steps.length) return { one, expected };
    one = { ...one, steps };
  }
}

/** What the process must print. */
export function expectedOutput(outcomes: readonly Outcome[]): Buffer {
  const values = outcomes.flatMap(({ values: all }) => all);
  const bytes = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) bytes.writeBigUInt64LE(value, i * 8);
  return bytes;
}

export function mainModule({ modules, steps }: Case): RandomModule {
  const called = [...new Map(steps.map((step) => [`${step.module} ${step.name}`, step])).values()];
  const out = new WasmWriter();
  out.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  // types: fd_write, _start, then one of each function called
  out.section(1, (to) => {
    to.u32(called.length + 2);
    writeType(to, [I32, I32, I32, I32], [I32]);
    writeType(to, [], []);
    for (const { params, results } of called) writeType(to, params, results);
  });
  out.section(2, (to) => {
    to.u32(called.length + 1);
    writeImport(to, WASI, 'fd_write', 0);
    called.forEach(({ module, name }, i) => {
      writeImport(to, modules[module].name, name, i + 2);
    });
  });
  out.list(3, [1], (to, type) => to.u32(type));
  out.list(5, [1], (to, min) => to.byte(0, min));
  out.list(7, ['memory', '_start'], (to, name, i) => {
    to.name(name);
    to.byte(i === 0 ? 2 : 0);
    to.u32(i === 0 ? 0 : called.length + 1);
  });
  out.list(10, [0], (to) =>
    to.sized((body) => {
      const most = Math.max(1, ...steps.map(({ results }) => results.length));
      body.byte(2, most, I32, most, I64); // locals for results of either type
      for (const step of steps) {
        const index = 1 + called.findIndex(({ module, name }) => module === step.module && name === step.name);
        writeStep(body, step, index, most);
      }
      body.byte(Op.End);
    }),
  );
  return { name: '', bytes: out.bytes.slice() };
}

function writeStep(
  to: WasmWriter,
  { params, results, args }: Case['steps'][number],
  index: number,
  most: number,
): void {
  args.forEach((arg, i) => {
    to.byte(params[i] === I32 ? Op.I32Const : Op.I64Const);
    to.signed(BigInt.asIntN(params[i] === I32 ? 32 : 64, arg));
  });
  to.byte(Op.Call);
  to.u32(index);
  if (results.length === 0) return;
  const local = (i: number) => (results[i] === I32 ? i : most + i);
  for (let i = results.length - 1; i >= 0; i--) to.byte(Op.LocalSet, local(i));
  results.forEach((type, i) => {
    constant(to, RESULTS + i * 8);
    to.byte(Op.LocalGet, local(i));
    if (type === I32) to.byte(Op.I64ExtendI32U);
    to.byte(Op.I64Store, 3, 0);
  });
  store(to, IOVEC, RESULTS);
  store(to, IOVEC + 4, results.length * 8);
  for (const value of [1, IOVEC, 1, IOVEC + 8]) constant(to, value);
  to.byte(Op.Call, 0, Op.Drop);
}

function store(to: WasmWriter, address: number, value: number): void {
  constant(to, address);
  constant(to, value);
  to.byte(Op.I32Store, 2, 0);
}

function constant(to: WasmWriter, value: number): void {
  to.byte(Op.I32Const);
  to.signed(BigInt(value));
}

function writeType(to: WasmWriter, params: readonly number[], results: readonly number[]): void {
  to.byte(0x60);
  to.u32(params.length);
  to.byte(...params);
  to.u32(results.length);
  to.byte(...results);
}

function writeImport(to: WasmWriter, module: string, name: string, type: number): void {
  to.name(module);
  to.name(name);
  to.byte(0);
  to.u32(type);
}
