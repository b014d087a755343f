/** Unreachable code is skipped, with any bytes in its immediates. */

import { afterAll, expect, test } from 'vitest';
import { Op } from '../../../../src/wasm/opcodes.js';
import { NativeRunner } from '../../../fuzz/native.js';
import { runInV8 } from '../../../fuzz/oracle.js';
import type { Case } from '../../../fuzz/random-module.js';
import { I32 } from '../../../fuzz/shape.js';
import { WasmWriter } from '../../../fuzz/wasm-writer.js';

const runner = new NativeRunner();
afterAll(() => runner.remove());

const SEGMENTS = 12;

/** block; br 0; dead; end; i32.const 7 */
function withDeadCode(dead: readonly number[]): Case {
  const out = new WasmWriter();
  out.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  out.list(1, [0], (to) => to.byte(0x60, 0, 1, I32));
  out.list(3, [0], (to) => to.byte(0));
  out.list(4, [0], (to) => to.byte(0x70, 0, 1));
  out.list(5, [0], (to) => to.byte(0, 1));
  out.list(7, ['f'], (to, name) => {
    to.name(name);
    to.byte(0, 0);
  });
  out.section(12, (to) => to.u32(SEGMENTS));
  out.list(10, [0], (to) =>
    to.sized((body) => {
      body.byte(0, Op.Block, 0x40, Op.Br, 0, ...dead, Op.End, Op.I32Const, 7, Op.End);
    }),
  );
  out.list(11, new Array(SEGMENTS).fill(0), (to) => to.byte(1, 0));
  const step = { module: 0, name: 'f', params: [], results: [I32], args: [] };
  return { seed: 0, choices: [], modules: [{ name: 'dead', bytes: out.bytes.slice() }], steps: [step] };
}

const zeros = [Op.I32Const, 0, Op.I32Const, 0, Op.I32Const, 0];
const cases: Readonly<Record<string, readonly number[]>> = {
  'immediates that look like end': [...zeros, 0xfc, 8, Op.End, 0],
  'a second opcode of several bytes': [...zeros, 0xfc, 0x88, 0x00, Op.End, 0],
  'indexes of several bytes': [...zeros, 0xfc, 0x88, 0x80, 0x00, 0x8b, 0x80, 0x00, 0],
  'constants that look like else and end': [Op.I64Const, 0x85, 0x8b, 0x0b, Op.Drop, Op.F32Const, 5, 11, 5, 11, Op.Drop],
  'blocks of its own': [
    Op.Loop,
    0x40,
    Op.I32Const,
    1,
    Op.If,
    I32,
    Op.I32Const,
    1,
    Op.Else,
    Op.Unreachable,
    Op.End,
    Op.Drop,
    Op.End,
  ],
  'vector constants that look like end': [0xfd, 0x0c, ...new Array(16).fill(Op.End), Op.Drop],
  'a vector opcode of three bytes': [Op.I32Const, 0, 0xfd, 0x8f, 0x80, 0x00, Op.Drop],
  'lane indexes that look like end': [
    ...[Op.I32Const, 0, 0xfd, 0x0f, Op.I32Const, 0, 0xfd, 0x0f],
    ...[0xfd, 0x0d, ...new Array(16).fill(Op.End), 0xfd, 0x15, Op.End, Op.Drop],
    ...[Op.I32Const, 0, Op.I32Const, 0, 0xfd, 0x0f, 0xfd, 0x58, 0, Op.End, Op.End],
    ...[Op.Unreachable, 0xfd, 0xff, 0x01, Op.Drop],
  ],
  'a table of labels': [Op.I32Const, 0, Op.BrTable, 3, 0, 0, 0, 0],
};

for (const [name, dead] of Object.entries(cases)) {
  test(name, () => {
    const one = withDeadCode(dead);
    const expected = [{ traps: [], values: [7n] }];
    expect(runInV8(one)).toEqual(expected);
    expect(runner.run([one], { deterministic: false })[0]).toEqual(expected);
  });
}
