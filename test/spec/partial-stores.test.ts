/**
 * A store of which only the last bytes are beyond the memory's end traps and changes none of the others (core spec
 * 4.4.7), on both CPUs, for each store of more than a byte and every way to lie across the end. ARM64 itself may write
 * the first ones.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createAssembler, SCRIPT_FEATURES } from '../support/wast.js';
import { runScript } from './run-script.js';
import { ARCHES, specTarget } from './targets.js';

const VECTOR = '(v128.const i64x2 -1 -1)';
const STORES = [
  { op: 'i32.store16', bytes: 2, value: '(i32.const -1)' },
  { op: 'i32.store', bytes: 4, value: '(i32.const -1)' },
  { op: 'i64.store', bytes: 8, value: '(local.get 1)' },
  { op: 'i64.store32', bytes: 4, value: '(local.get 1)' },
  { op: 'f32.store', bytes: 4, value: '(f32.const 1.1)' },
  { op: 'f64.store', bytes: 8, value: '(f64.reinterpret_i64 (local.get 1))' },
  { op: 'v128.store', bytes: 16, value: VECTOR },
  { op: 'v128.store16_lane', bytes: 2, value: VECTOR, lane: '1' },
  { op: 'v128.store32_lane', bytes: 4, value: VECTOR, lane: '2' },
  { op: 'v128.store64_lane', bytes: 8, value: VECTOR, lane: '0' },
];
/** Static offsets: none, one that a store can have as it is, one that it cannot. */
const OFFSETS = [0, 24, 12345];
const SIZE = 65536;

function script(): string {
  const functions: string[] = [];
  const assertions: string[] = [];
  for (const { op, bytes, value, lane = '' } of STORES) {
    for (const offset of OFFSETS) {
      const name = `${op} ${offset}`;
      functions.push(
        `(func (export "${name}") (param i32 i64) (${op} offset=${offset} ${lane} (local.get 0) ${value}))`,
      );
      for (let inside = 1; inside < bytes; inside++) {
        const at = SIZE - inside - offset;
        assertions.push(
          `(assert_trap (invoke "${name}" (i32.const ${at}) (i64.const -1)) "out of bounds memory access")`,
        );
        assertions.push('(assert_return (invoke "end") (i64.const 0) (i64.const 0))');
      }
    }
  }
  const end = `(func (export "end") (result i64 i64) (i64.load (i32.const ${SIZE - 16})) (i64.load (i32.const ${SIZE - 8})))`;
  return `(module (memory 1) ${functions.join('\n')} ${end}) ${assertions.join('\n')}`;
}

describe.each(ARCHES)('stores across the end of a memory, %s', (arch) => {
  const target = specTarget(arch);
  if (target === undefined) {
    it.skip('was not run: install qemu-user-static', () => {});
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'wagsnap-stores-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('change nothing', async () => {
    const assemble = await createAssembler(SCRIPT_FEATURES);
    const result = await runScript('partial stores', Buffer.from(script()), { target, assemble, folder });
    expect(result.failures.slice(0, 10)).toEqual([]);
    expect(result.passed).toBe(3 * 2 * STORES.reduce((sum, { bytes }) => sum + bytes - 1, 0));
  });
});
