/**
 * One module that breaks each rule of validation, and one just inside where a limit or an exception has two sides. The
 * conformance suite has most of them too; here they stand by themselves, with the message of each refusal.
 */

import { describe, expect, test } from 'vitest';
import { LimitError } from '../../../src/base/errors.js';
import { assemble } from '../../../src/wasm/assemble.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { limits } from '../../../src/wasm/limits.js';
import { validateBodies } from '../../../src/wasm/validate.js';
import { FUNC, I32, moduleOf, STANDARD } from '../../support/function-references.js';

function verdictOf(bytes: Uint8Array): string {
  try {
    validateBodies(decodeModule(bytes));
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}

const verdict = async (fields: string) => verdictOf(await assemble(Buffer.from(`(module ${fields})`), 'test.wat'));
const i32 = (value: number) => `(i32.const ${value})`;
const i64 = (value: number) => `(i64.const ${value})`;
const V128 = '(v128.const i64x2 0 0)';

const found = (expected: string, actual: string) => `type mismatch: expected ${expected}, found ${actual}`;
const ACCEPTED = 'accepted';

type Case = [fields: string, verdict: string];
const check = (name: string, cases: Case[]) =>
  describe(name, () => {
    test.each(cases)('%s: %s', async (fields, expected) => {
      expect(await verdict(fields)).toContain(expected);
    });
  });

check('blocks and branches', [
  [`(func (if ${i32(1)} (then unreachable) (else drop)))`, 'type mismatch: found nothing'],
  [`(func (if ${i32(1)} (then unreachable drop) (else)))`, ACCEPTED],
  [`(func (result i32) (br_if 0 ${i32(0)}) ${i32(1)})`, found('i32', 'nothing')],
  [`(func (result i32) ${i64(0)} (br_if 0 ${i32(0)}) drop ${i32(1)})`, found('i32', 'i64')],
  ['(func (result i32) (br 0))', found('i32', 'nothing')],
  [`(func (result i32) (br 0 ${i64(0)}))`, found('i32', 'i64')],
  ['(func (result i32) (return))', found('i32', 'nothing')],
  [`(func (result i32) (return ${i64(0)}))`, found('i32', 'i64')],
  [
    `(func (block (block (result i32) (br_table 0 1 ${i32(0)} ${i32(0)}) unreachable) drop))`,
    'labels of br_table differ in arity',
  ],
  [`(func (result i32) (br_table 0 ${i64(0)} ${i32(0)}))`, found('i32', 'i64')],
  [`(func (result i64) (block (result i32) (br_table 0 1 ${i32(0)} ${i32(0)})) drop unreachable)`, found('i64', 'i32')],
  [`(func (result i32) (block (result i32) (br_table 0 1 ${i32(0)} ${i32(0)})))`, ACCEPTED],
]);

check('calls', [
  [`(table 1 funcref) (type $t (func)) (func (call_indirect (type $t) ${i64(0)}))`, found('i32', 'i64')],
  [`(table i64 1 funcref) (type $t (func)) (func (call_indirect (type $t) ${i32(0)}))`, found('i64', 'i32')],
  ['(func (result i32) (return_call 0) i64.add drop)', ACCEPTED], // nothing is reached after it
  ['(func (result i32) (return_call 0) i64.eqz)', ACCEPTED],
  ['(table 1 externref) (type (func)) (func (call_indirect (type 0) (i32.const 0)))', 'table 0 holds no functions'],
  ['(table 1 funcref) (type (func)) (func (call_indirect (type 1) (i32.const 0)))', 'unknown type 1'],
  ['(type (func)) (func (call_indirect (type 0) (i32.const 0)))', 'unknown table 0'],
]);

check('operands', [
  [`(func (drop (select ${i32(0)} ${i64(0)} ${i32(1)})))`, 'select between i32 and i64'],
  [`(func unreachable (i64.eqz (select ${i32(0)} ${i32(1)})) drop)`, found('i64', 'i32')],
  [`(func unreachable (i32.eqz (select ${i32(0)} ${i32(1)})) drop)`, ACCEPTED],
  [`(func (drop (select (result i32) ${i64(0)} ${i32(0)} ${i32(1)})))`, found('i32', 'i64')],
  [`(func (drop (select (result i32) ${i32(0)} ${i64(0)} ${i32(1)})))`, found('i32', 'i64')],
  [`(func (drop (v128.bitselect ${i32(0)} ${V128} ${V128})))`, found('v128', 'i32')],
  [`(func (drop (v128.bitselect ${V128} ${i32(0)} ${V128})))`, found('v128', 'i32')],
  [`(func (drop (v128.bitselect ${V128} ${V128} ${i32(0)})))`, found('v128', 'i32')],
]);

check('variables', [
  ['(func (param i32) (drop (local.get 1)))', 'unknown local 1'],
  ['(func (param i32) (local i32) (drop (local.get 2)))', 'unknown local 2'],
  ['(func (param i32) (local i32) (drop (local.get 1)))', ACCEPTED],
  [`(global (mut i32) ${i32(0)}) (func (global.set 0 ${i64(1)}))`, found('i32', 'i64')],
  [`(global i32 ${i32(0)}) (func (drop (global.get 1)))`, 'unknown global 1'],
]);

const BOTH_MEMORIES = '(memory i64 1) (memory 1)';
const BOTH_TABLES = '(table i64 1 funcref) (table 1 funcref)';
check('memories', [
  [`${BOTH_MEMORIES} (func (memory.copy 0 1 ${i64(0)} ${i32(0)} ${i32(0)}))`, ACCEPTED],
  [`${BOTH_MEMORIES} (func (memory.copy 1 0 ${i32(0)} ${i64(0)} ${i32(0)}))`, ACCEPTED],
  [`${BOTH_MEMORIES} (func (memory.copy 0 0 ${i64(0)} ${i64(0)} ${i64(0)}))`, ACCEPTED],
  [`${BOTH_MEMORIES} (func (memory.copy 0 1 ${i64(0)} ${i32(0)} ${i64(0)}))`, found('i32', 'i64')],
  [`${BOTH_MEMORIES} (func (memory.copy 1 0 ${i32(0)} ${i64(0)} ${i64(0)}))`, found('i32', 'i64')],
  [`${BOTH_MEMORIES} (func (memory.copy 0 0 ${i64(0)} ${i64(0)} ${i32(0)}))`, found('i64', 'i32')],
  [`(memory i64 1) (func (memory.fill ${i64(0)} ${i32(0)} ${i64(0)}))`, ACCEPTED],
  [`(memory i64 1) (func (memory.fill ${i64(0)} ${i64(0)} ${i64(0)}))`, found('i32', 'i64')],
  [`(memory i64 1) (func (memory.fill ${i64(0)} ${i32(0)} ${i32(0)}))`, found('i64', 'i32')],
  [`(memory i64 1) (data "x") (func (memory.init 0 ${i64(0)} ${i32(0)} ${i32(0)}))`, ACCEPTED],
  [`(memory i64 1) (data "x") (func (memory.init 0 ${i32(0)} ${i32(0)} ${i32(0)}))`, found('i64', 'i32')],
  [`(memory i64 1) (data "x") (func (memory.init 0 ${i64(0)} ${i64(0)} ${i32(0)}))`, found('i32', 'i64')],
  ['(memory 1) (data "x") (func (data.drop 1))', 'unknown data segment 1'],
  ['(memory 1) (data "x") (func (data.drop 0))', ACCEPTED],
]);

check('tables', [
  [`${BOTH_TABLES} (func (table.copy 0 1 ${i64(0)} ${i32(0)} ${i32(0)}))`, ACCEPTED],
  [`${BOTH_TABLES} (func (table.copy 1 0 ${i32(0)} ${i64(0)} ${i64(0)}))`, found('i32', 'i64')],
  ['(elem func) (func (elem.drop 1))', 'unknown elem segment 1'],
  ['(elem func) (func (elem.drop 0))', ACCEPTED],
  [
    `(table 1 funcref) (elem externref) (func (table.init 0 ${i32(0)} ${i32(0)} ${i32(0)}))`,
    'externref items for a table of funcref',
  ],
  ['(table 1 funcref) (func (drop (table.size 1)))', 'unknown table 1'],
]);

check('exceptions', [
  ['(tag $e) (func (throw 1))', 'unknown tag 1'],
  ['(tag $e (param i32)) (func (result i64) (try_table (catch $e 0)) unreachable)', 'a catch clause gives other types'],
  ['(tag $e) (func (result i32) (try_table (catch $e 0)) unreachable)', 'a catch clause gives other types'],
  ['(tag $e (param i32)) (func (result i32) (try_table (catch $e 0)) unreachable)', ACCEPTED],
]);

check('the rest of a module', [
  ['(table 2 1 funcref)', 'size minimum must not be greater than maximum'],
  ['(table 2 2 funcref)', ACCEPTED],
  ['(memory 2 1)', 'size minimum must not be greater than maximum'],
  ['(memory 65536)', ACCEPTED],
  ['(memory 0 65536)', ACCEPTED],
  ['(memory 65537)', 'memory size must be at most 65536 pages (4GiB)'],
  ['(memory 0 65537)', 'memory size must be at most 65536 pages (4GiB)'],
  ['(tag (result i32))', 'non-empty tag result type'],
  [`(global i32 ${i64(0)})`, found('i32', 'i64')],
  [`(global i64 (i64.add ${i32(0)} ${i64(0)}))`, found('i64', 'i32')],
  [`(global i32 (i32.add ${i32(0)} ${i64(0)}))`, found('i32', 'i64')],
  [`(global i32 (i32.add ${i32(0)}))`, found('i32', 'nothing')],
  [`(global i32 (i32.add ${i32(0)} ${i32(0)}))`, ACCEPTED],
  [`(global i32 ${i32(0)} ${i32(0)})`, 'more than one value'],
  [`(import "m" "g" (global (mut i32))) (global i32 (global.get 0))`, 'global 0 is mutable'],
  ['(func) (export "a" (func 0)) (export "a" (func 0))', 'duplicate export name'],
  ['(func (result i32) (i32.const 0)) (start 0)', 'start function 0 has parameters or results'],
  ['(func (param i32)) (start 0)', 'start function 0 has parameters or results'],
  [`(table 1 externref) (func) (elem (table 0) ${i32(0)} func 0)`, 'items in a table of externref'],
  [`(table 1 funcref) (func) (elem (table 0) ${i64(0)} func 0)`, found('i32', 'i64')],
  [`(table i64 1 funcref) (func) (elem (table 0) ${i64(0)} func 0)`, ACCEPTED],
  [`(memory 1) (data ${i64(0)} "x")`, found('i32', 'i64')],
  [`(memory i64 1) (data ${i32(0)} "x")`, found('i64', 'i32')],
  [`(memory i64 1) (data ${i64(0)} "x")`, ACCEPTED],
  ['(func) (export "a" (func 1))', 'unknown function 1'],
]);

/** A section; content below 16 KiB. */
const section = (id: number, ...content: number[]) => [
  id,
  (content.length & 0x7f) | 0x80,
  content.length >> 7,
  ...content,
];

/** A module of one function () -> () with these bytes as its code, and what else is given. */
function withCode(code: readonly number[], { before = [] as number[], after = [] as number[] } = {}): Uint8Array {
  const body = [0, ...code];
  const size = [(body.length & 0x7f) | 0x80, body.length >> 7];
  const sections = [section(1, 1, 0x60, 0, 0), section(3, 1, 0), before, section(10, 1, ...size, ...body), after];
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
}
const MEMORY = { before: section(5, 1, 0, 1) };
const [END, BLOCK, I32_CONST, DROP] = [0x0b, 0x02, 0x41, 0x1a];

describe('what no text says', () => {
  test.each<[string, Uint8Array, string]>([
    ['a block of a type after the last', withCode([BLOCK, 1, END, END]), 'unknown type 1'],
    ['a block of the last type', withCode([BLOCK, 0, END, END]), ACCEPTED],
    [
      'a select of no type',
      withCode([I32_CONST, 0, I32_CONST, 0, I32_CONST, 0, 0x1c, 0, DROP, END]),
      'invalid result arity 0',
    ],
    [
      'a select of two types',
      withCode([I32_CONST, 0, I32_CONST, 0, I32_CONST, 0, 0x1c, 2, I32, I32, DROP, END]),
      'invalid result arity 2',
    ],
    [
      'a load with a flag of 128',
      withCode([I32_CONST, 0, 0x28, 0x80, 1, 0, DROP, END], MEMORY),
      'malformed memop flags 0x80',
    ],
    [
      'a load with the highest of its flags',
      withCode([I32_CONST, 0, 0x28, 0x80, 0x80, 0x80, 0x80, 8, 0, DROP, END], MEMORY),
      'malformed memop flags 0x80000000',
    ],
    [
      'a load aligned to 8 of 4',
      withCode([I32_CONST, 0, 0x28, 3, 0, DROP, END], MEMORY),
      'alignment must not be larger than natural',
    ],
    ['a load aligned to 4 of 4', withCode([I32_CONST, 0, 0x28, 2, 0, DROP, END], MEMORY), ACCEPTED],
    ['a load of the memory by its index', withCode([I32_CONST, 0, 0x28, 0x42, 0, 0, DROP, END], MEMORY), ACCEPTED],
    ['an atomic load aligned to 4', withCode([I32_CONST, 0, 0xfe, 0x10, 2, 0, DROP, END], MEMORY), ACCEPTED],
    [
      'an atomic load aligned to 2',
      withCode([I32_CONST, 0, 0xfe, 0x10, 1, 0, DROP, END], MEMORY),
      'alignment of an atomic access must be natural',
    ],
    [
      'a lane after the last',
      withCode([I32_CONST, 0, 0xfd, 12, ...Array(16).fill(0), 0xfd, 0x54, 0, 0, 16, DROP, END], MEMORY),
      'invalid lane index 16: there are 16',
    ],
    [
      'the last lane',
      withCode([I32_CONST, 0, 0xfd, 12, ...Array(16).fill(0), 0xfd, 0x54, 0, 0, 15, DROP, END], MEMORY),
      ACCEPTED,
    ],
    ['a segment without a count of them', withCode([0xfc, 9, 0, END]), 'data count section required'],
    ['a clause of a fifth kind', withCode([0x1f, 0x40, 1, 4, 0, END, END]), 'malformed catch clause 0x4'],
    ['a clause of the fourth kind', withCode([0x1f, 0x40, 1, 2, 0, END, END]), ACCEPTED],
    ['a constant that ends a byte after the body', withCode([0x44, 0, 0, 0, 0, 0, 0, 0]), 'unexpected end of section'],
    ['a delegate of a block', withCode([BLOCK, 0x40, 0x18, 0, END]), 'delegate without try'],
    ['a delegate of itself', withCode([0x06, 0x40, 0x18, 1, END]), 'unknown label 1'],
    ['a delegate of the function', withCode([0x06, 0x40, 0x18, 0, END]), ACCEPTED],
    ['a catch_all after a catch_all', withCode([0x06, 0x40, 0x19, 0x19, END, END]), 'catch without try'],
    ['a catch_all in a block', withCode([BLOCK, 0x40, 0x19, END, END]), 'catch without try'],
  ])('%s', (_, bytes, expected) => {
    expect(verdictOf(bytes)).toContain(expected);
  });

  test('a body without end, also where the next section begins as an end does', () => {
    const bytes = withCode([0x01], { after: section(11, 0) });
    const end = decodeModule(bytes).bodyEnd[0];
    expect(verdictOf(bytes)).toContain(
      `offset 0x${end.toString(16)}: unexpected end of section or function: END opcode expected`,
    );
  });

  test('a table of references that cannot be null needs a value', () => {
    const typed = (entry: number[]) =>
      moduleOf({ types: [[[], []]], functions: [{ type: 0, code: [] }], tables: [entry], exports: { f: 0 } });
    expect(verdictOf(typed([STANDARD.ref, 0, 0, 1]))).toContain('needs an initial value');
    expect(verdictOf(typed([STANDARD.refNull, 0, 0, 1]))).toBe(ACCEPTED);
    expect(verdictOf(typed([FUNC, 0, 1]))).toBe(ACCEPTED);
  });
});

describe('limits of ours', () => {
  const large = (count: number) => [(count & 0x7f) | 0x80, ((count >> 7) & 0x7f) | 0x80, count >> 14];
  /** A body of any size. */
  const body = (code: readonly number[]) => {
    const all = [0, ...code];
    const content = [1, ...large(all.length), ...all];
    const sections = [section(1, 1, 0x60, 0, 0), section(3, 1, 0), [10, ...large(content.length), ...content]];
    return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()]);
  };
  const branches = (count: number) => body([I32_CONST, 0, 0x0e, ...large(count), ...Array(count + 1).fill(0), END]);
  const catches = (count: number) => body([0x1f, 0x40, ...large(count), ...Array(count).fill([2, 0]).flat(), END, END]);
  const memories = (count: number) =>
    Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section(5, count, ...Array(count).fill([0, 0]).flat())]);

  test.each([
    ['branchTargets', branches, limits.branchTargets],
    ['catches', catches, limits.catches],
    ['memories', memories, limits.memories],
  ] as const)('%s', (name, build, limit) => {
    expect(verdictOf(build(limit))).toBe(ACCEPTED);
    expect(() => validateBodies(decodeModule(build(limit + 1)))).toThrow(LimitError);
    expect(verdictOf(build(limit + 1))).toContain(`${limit + 1} exceeds the limit of ${limit} (${name})`);
  });
});
