/**
 * Atomic accesses of every kind of memory: the first one and another one, with 32- and 64-bit addresses, shared or not;
 * of every width, with addresses that are constants, parameters or sums, and operands below. Results by a model; traps
 * for addresses that are not aligned or beyond the memory. As a script of our own, on both CPUs.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { opcodes } from '../../src/wasm/opcodes.js';
import { type Assembler, createAssembler, SCRIPT_FEATURES } from '../support/wast.js';
import { runScript } from './run-script.js';
import { ARCHES, specTarget } from './targets.js';

const MEMORIES = [
  '(memory $first 1 2)',
  '(memory $first 1 2) (memory $other 1 3 shared)',
  '(memory $first i64 1 2 shared)',
  '(memory $first 1) (memory $other i64 1 2)',
];

const atomics = opcodes.filter(({ name }) => /\.atomic\.(load|store|rmw)/.test(name));
const OLD = 0xf1e2d3c4b5a69788n;
const VALUE = 0x8796a5b4c3d2e1f3n;

const MODELS: Readonly<Record<string, (old: bigint, value: bigint) => bigint>> = {
  add: (old, value) => old + value,
  sub: (old, value) => old - value,
  and: (old, value) => old & value,
  or: (old, value) => old | value,
  xor: (old, value) => old ^ value,
  xchg: (_, value) => value,
};

/** A module with one function per atomic instruction and form of address, and what calling them must give. */
function script(memories: string): string {
  const isOther = memories.includes('$other');
  const type = /i64 [^()]*\)$/.test(memories) ? 'i64' : 'i32';
  const memory = isOther ? '$other' : '$first';
  const functions: string[] = [];
  const assertions: string[] = [];
  for (const { name, operands, results, alignment } of atomics) {
    const valueType = name.slice(0, 3);
    const bytes = 1 << alignment!;
    const bits = BigInt(8 * bytes);
    const at = 32 + 8 * alignment!;
    const kind = /rmw\d*\.(\w+?)(_u)?$/.exec(name)?.[1] ?? (name.includes('load') ? 'load' : 'store');
    const low = (value: bigint) => BigInt.asUintN(Number(bits), value);
    const valueBits = BigInt.asUintN(valueType === 'i32' ? 32 : 64, VALUE);
    const expected = BigInt.asUintN(valueType === 'i32' ? 32 : 64, OLD); // of cmpxchg: equal in its low part
    const stored =
      kind === 'load'
        ? low(OLD)
        : kind === 'store' || kind === 'cmpxchg'
          ? low(VALUE)
          : low(MODELS[kind]!(low(OLD), VALUE));
    const after = ((OLD >> bits) << bits) | stored;
    const addresses = [
      [`(${type}.const ${at})`, 'offset=0'],
      ['(local.get 0)', 'offset=0'],
      [`(${type}.sub (local.get 0) (${type}.const 16))`, 'offset=16'],
      [`(${type}.sub (local.get 0) (${type}.const 13))`, 'offset=13'],
    ] as const;
    addresses.forEach(([address, offset], form) => {
      const f = `${name} ${form}`;
      const values = [
        ...(operands!.length > 2 ? [`(${valueType}.const ${expected})`] : []),
        ...(operands!.length > 1 ? ['(local.get 1)'] : []),
      ].join(' ');
      const access = `(${name} ${memory} ${offset} ${address} ${values})`;
      const result = results!.length > 0 ? `(result ${valueType})` : '';
      // More operands below than there are registers, in the middle of all that.
      functions.push(`(func (export "${f}") (param ${type} ${valueType}) ${result} (local $result ${valueType})
        (local.get 0) (${type}.add (local.get 0) (${type}.const 1)) (${type}.add (local.get 0) (${type}.const 2))
        (${type}.add (local.get 0) (${type}.const 3)) (${type}.add (local.get 0) (${type}.const 4))
        ${result === '' ? access : `(local.set $result ${access})`}
        (if (${type}.ne (${type}.add) (${type}.add (${type}.add (local.get 0) (local.get 0)) (${type}.const 7)))
          (then (unreachable)))
        (if (${type}.ne (${type}.add) (${type}.add (${type}.add (local.get 0) (local.get 0)) (${type}.const 3)))
          (then (unreachable)))
        (if (${type}.ne (local.get 0)) (then (unreachable)))
        ${result === '' ? '' : '(local.get $result)'})`);
      const call = (place: number | string) =>
        `(invoke "${f}" (${type}.const ${place}) (${valueType}.const ${valueBits}))`;
      assertions.push(
        `(invoke "set" (${type}.const ${at}) (i64.const ${OLD}))`,
        `(assert_return ${call(at)} ${result === '' ? '' : `(${valueType}.const ${low(OLD)})`})`,
        `(assert_return (invoke "get" (${type}.const ${at})) (i64.const ${after}))`,
      );
      if (form === 0) return;
      if (bytes > 1) assertions.push(`(assert_trap ${call(at + 1)} "unaligned atomic")`);
      assertions.push(`(assert_trap ${call(65536)} "out of bounds memory access")`);
      if (type === 'i64') assertions.push(`(assert_trap ${call('0x8000000000000000')} "out of bounds memory access")`);
    });
    const far = `(${name} ${memory} offset=0x80000000 (local.get 0) ${operands!
      .slice(1)
      .map((t) => `(${t === 0x7f ? 'i32' : 'i64'}.const 0)`)
      .join(' ')})`;
    functions.push(`(func (export "${name} far") (param ${type}) ${results!.length > 0 ? `(drop ${far})` : far})`);
    assertions.push(
      `(assert_trap (invoke "${name} far" (${type}.const 0)) "out of bounds memory access")`,
      ...(bytes > 1 ? [`(assert_trap (invoke "${name} far" (${type}.const 1)) "unaligned atomic")`] : []),
    );
  }
  waitsAndNotifies(memory, type, memories.includes('shared')).forEach(({ text, calls }) => {
    functions.push(text);
    assertions.push(...calls);
  });
  return `(module ${memories}
    (func (export "set") (param ${type} i64) (i64.store ${memory} (local.get 0) (local.get 1)))
    (func (export "get") (param ${type}) (result i64) (i64.load ${memory} (local.get 0)))
    ${functions.join('\n')})
  ${assertions.join('\n')}`;
}

/** Waiting where the value differs and with no time to wait, and notifying nobody. */
function waitsAndNotifies(memory: string, type: string, shared: boolean): { text: string; calls: string[] }[] {
  return (['wait32', 'wait64', 'notify'] as const).map((name) => {
    const isWait = name !== 'notify';
    const valueType = name === 'wait64' ? 'i64' : 'i32';
    const timeout = isWait ? '(i64.const 0)' : '';
    const call = (at: number | string, value: bigint) =>
      `(invoke "${name}" (${type}.const ${at}) (${valueType}.const ${value}))`;
    const unshared = isWait && !shared;
    const gives = (at: number, value: bigint, result: number) =>
      unshared
        ? `(assert_trap ${call(at, value)} "expected shared memory")`
        : `(assert_return ${call(at, value)} (i32.const ${isWait ? result : 0}))`;
    return {
      text: `(func (export "${name}") (param ${type} ${valueType}) (result i32)
        (memory.atomic.${name} ${memory} offset=8 (local.get 0) (local.get 1) ${timeout}))`,
      calls: [
        `(invoke "set" (${type}.const 64) (i64.const 5))`,
        gives(56, 6n, 1),
        gives(56, 5n, 2),
        `(assert_trap ${call(58, 5n)} "unaligned atomic")`,
        `(assert_trap ${call(65528, 5n)} "out of bounds memory access")`,
        `(assert_trap ${call(type === 'i64' ? '0xfffffffffffffff8' : '0xfffffff8', 5n)} "out of bounds memory access")`,
      ],
    };
  });
}

describe.each(ARCHES)('atomic accesses, %s', (arch) => {
  const target = process.platform === 'linux' ? specTarget(arch) : undefined;
  let assemble: Assembler;
  let folder: string;
  beforeAll(async () => {
    assemble = await createAssembler(SCRIPT_FEATURES);
    folder = mkdtempSync(join(tmpdir(), 'wagsnap-atomics-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.runIf(target !== undefined).each(MEMORIES)('of %s', async (memories) => {
    const result = await runScript('atomics.wast', Buffer.from(script(memories)), {
      target: target!,
      assemble,
      folder,
    });
    expect(result.failures.map(({ line, reason }) => `${line}: ${reason}`)).toEqual([]);
    expect(result.skipped).toBe(0);
    expect(result.passed).toBeGreaterThan(900);
  });
});
