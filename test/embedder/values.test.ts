/** Arguments and results of the embedder's functions, of every type, in registers and on the stack, on both CPUs. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Imports } from '../../src/api/embedder/import-object.js';
import { typedImport } from '../../src/api/embedder/import-object.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();
const arches = (['x64', 'arm64'] as const).filter(canRun);

async function run(name: string, source: string, imports: Imports, arch: 'x64' | 'arm64') {
  const { path } = await build(Buffer.from(source), join(folder, `${name}-${arch}`), { arch, hostImports: true });
  return Workload.start(path, { imports }).ended();
}

/** 1.5 as a v128's first half and so on: bytes 0 to 15. */
const vector = '(v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)';

describe.each(arches)('on %s', (arch) => {
  test('one of each type arrives', async () => {
    const calls: unknown[][] = [];
    const source = `(module
      (import "env" "take" (func $take (param i32 i64 f32 f64 v128 funcref externref)))
      (func (export "_start")
        (call $take (i32.const -1) (i64.const -2) (f32.const 1.5) (f64.const -2.25) ${vector}
          (ref.null func) (ref.null extern))))`;
    const ending = await run('take', source, { env: { take: (_, ...args) => void calls.push(args) } }, arch);
    expect(ending).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(calls).toEqual([[-1, -2n, 1.5, -2.25, Uint8Array.from({ length: 16 }, (_, i) => i), null, null]]);
  });

  test.each([
    ['i32', '(i32.eq (i32.const -5))', -5],
    ['i32', '(i32.eq (i32.const -1))', 4294967295],
    ['i64', '(i64.eq (i64.const -5000000000))', -5000000000n],
    ['f32', '(f32.eq (f32.const 0.5))', 0.5],
    ['f64', '(f64.eq (f64.const 1e300))', 1e300],
    ['v128', `(i8x16.all_true (i8x16.eq ${vector}))`, Uint8Array.from({ length: 16 }, (_, i) => i)],
    ['funcref', '(ref.is_null)', null],
    ['externref', '(ref.is_null)', null],
  ])('a single result: %s %s', async (type, check, value) => {
    const compared = check.replace(/\)$/, ')').replace(/^\((\S+)/, '($1');
    const [, op, rest] = /^\((\S+) ?(.*)\)$/.exec(compared)!;
    const right =
      type === 'v128' ? `(i8x16.all_true (i8x16.eq (call $give) ${vector}))` : `(${op} (call $give) ${rest})`;
    const source = `(module
      (import "env" "give" (func $give (result ${type})))
      (func (export "_start") (if (i32.eqz ${right}) (then (unreachable)))))`;
    expect(await run(`give-${type}`, source, { env: { give: () => value } }, arch)).toMatchObject({ code: 0 });
  });

  test('many parameters and many results', async () => {
    const types = Array.from({ length: 40 }, (_, i) => (['i32', 'f64', 'i64', 'v128', 'f32'] as const)[i % 5]);
    const constant = (type: string, i: number) =>
      type === 'v128' ? `(v128.const i64x2 ${i} ${i + 1})` : `(${type}.const ${i})`;
    const source = `(module
      (import "env" "turn" (func $turn (param ${types.join(' ')}) (result ${types.join(' ')})))
      (import "env" "sum" (func $sum (param i64)))
      (func (export "_start") (local $at i64)
        (call $turn ${types.map(constant).join(' ')})
        ${[...types]
          .reverse()
          .map((type) =>
            type === 'v128'
              ? '(i64x2.extract_lane 1) (local.get $at) (i64.add) (local.set $at)'
              : type === 'i64'
                ? '(local.get $at) (i64.add) (local.set $at)'
                : `(${type === 'i32' ? 'i64.extend_i32_u' : `i64.trunc_${type}_s`}) (local.get $at) (i64.add) (local.set $at)`,
          )
          .join('\n')}
        (call $sum (local.get $at))))`;
    const sums: bigint[] = [];
    let arrived: unknown[] = [];
    const ending = await run(
      'turn',
      source,
      {
        env: {
          turn: (_, ...args) => {
            arrived = args;
            return args;
          },
          sum: typedImport(['i64'], [], (_, total) => void sums.push(total)),
        },
      },
      arch,
    );
    expect(ending).toEqual({ stdout: '', stderr: '', code: 0 });
    const expected = types.map((type, i) => {
      if (type === 'i64') return BigInt(i);
      if (type !== 'v128') return i;
      return new Uint8Array(BigInt64Array.of(BigInt(i), BigInt(i + 1)).buffer);
    });
    expect(arrived).toEqual(expected);
    expect(sums).toEqual([BigInt(types.reduce((total, type, i) => total + i + (type === 'v128' ? 1 : 0), 0))]);
  });
});
