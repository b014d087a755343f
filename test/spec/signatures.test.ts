/**
 * Values of all types and widths through every kind of call and block: functions of random types that return some of
 * their parameters, called by the host (trampolines), by their own module, by another one, through a table and in tail
 * position.
 *
 * The results are known without computing anything. The seed is in the name of the test; WAGSNAP_SEED sets it.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { type Assembler, createAssembler, SCRIPT_FEATURES } from '../support/wast.js';
import { runScript } from './run-script.js';
import { ARCHES, specTarget } from './targets.js';

const TYPES = ['i32', 'i64', 'f32', 'f64', 'v128', 'v128', 'v128'];
const COUNT = 40;

const seed = Number(process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

interface Signature {
  readonly params: readonly string[];
  /** Results: which parameters come back. */
  readonly picks: readonly number[];
}

function signature(next: () => number): Signature {
  const below = (limit: number) => Math.floor(next() * limit);
  const params = Array.from({ length: 1 + below(30) }, () => TYPES[below(TYPES.length)]);
  return { params, picks: Array.from({ length: below(9) }, () => below(params.length)) };
}

function literal(type: string, next: () => number): string {
  const word = () => Math.floor(next() * 2 ** 32);
  if (type === 'v128') return `(v128.const i32x4 ${word()} ${word()} ${word()} ${word()})`;
  if (type === 'f32') return `(f32.const ${(word() & 0xffff) / 4})`;
  if (type === 'f64') return `(f64.const ${word() / 4})`;
  return `(${type}.const ${word()})`;
}

/** Text of the type's function body in many ways, by name; `$f` is the function that picks. */
function bodies({ params }: Signature, n: number): Record<string, string> {
  const all = params.map((_, i) => `(local.get ${i})`).join(' ');
  return {
    call: `(call $f${n} ${all})`,
    tail: `(return_call $f${n} ${all})`,
    table: `(call_indirect (type $t${n}) ${all} (i32.const ${n}))`,
    tail_table: `(return_call_indirect (type $t${n}) ${all} (i32.const ${n}))`,
    block: `${all} (block (type $t${n}) (call $f${n}) (br 0))`,
    loop: `${all} (loop (type $t${n}) (call $f${n}))`,
    if: `${all} (i32.const ${n & 1}) (if (type $t${n}) (then (call $f${n})) (else (call $f${n})))`,
    table_branch: `${all} (block (type $t${n}) (call $f${n}) (br_table 0 1 (i32.const ${n % 3})))`,
    below: `(v128.const i64x2 1 2) (i32.const 3) (v128.const i64x2 4 5) ${all} (call $f${n}) (return)`,
  };
}

function script(next: () => number): { text: string; assertions: number } {
  const signatures = Array.from({ length: COUNT }, () => signature(next));
  const resultsOf = ({ params, picks }: Signature) => picks.map((pick) => params[pick]).join(' ');
  const types = signatures
    .map((s, n) => `(type $t${n} (func (param ${s.params.join(' ')}) (result ${resultsOf(s)})))`)
    .join('\n');
  const table = `(table funcref (elem ${signatures.map((_, n) => `$f${n}`).join(' ')}))`;
  const callers = signatures
    .flatMap((s, n) =>
      Object.entries(bodies(s, n)).map(([name, body]) => `(func (export "${name}${n}") (type $t${n}) ${body})`),
    )
    .join('\n');
  const own = signatures.map(({ picks }, n) => {
    const disturbed = n % 2 === 0 ? '(call $disturb)' : '';
    return `(func $f${n} (export "f${n}") (type $t${n}) ${disturbed} ${picks.map((pick) => `(local.get ${pick})`).join(' ')})`;
  });
  const imports = signatures.map((_, n) => `(import "a" "f${n}" (func $f${n} (type $t${n})))`);
  const disturb = `(func $disturb (local v128 v128 i64) (local.set 0 (v128.const i64x2 -1 -1)) (local.set 1 (local.get 0))
    (loop (local.set 1 (local.get 0)) (local.set 2 (i64.const -1)) (br_if 0 (i32.const 0))))`;
  const lines = [
    `(module $a ${types} ${table} ${disturb} ${own.join('\n')} ${callers})`,
    '(register "a" $a)',
    `(module $b ${types} ${imports.join('\n')} ${table} ${callers})`,
  ];
  let assertions = 0;
  signatures.forEach((s, n) => {
    for (const name of ['f', ...Object.keys(bodies(s, n))]) {
      for (const module of name === 'f' ? ['$a'] : ['$a', '$b']) {
        const args = s.params.map((type) => literal(type, next));
        const results = s.picks.map((pick) => args[pick]);
        lines.push(`(assert_return (invoke ${module} "${name}${n}" ${args.join(' ')}) ${results.join(' ')})`);
        assertions++;
      }
    }
  });
  return { text: lines.join('\n'), assertions };
}

describe.each(ARCHES)('%s', (arch) => {
  const target = specTarget(arch);
  let assemble: Assembler;
  let folder: string;

  beforeAll(async () => {
    assemble = await createAssembler(SCRIPT_FEATURES);
    folder = mkdtempSync(join(tmpdir(), 'wag-snap-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.runIf(target !== undefined).each([
    ['with the usual registers', seed, undefined],
    ['with other registers', seed + 1, seed + 1],
  ])(`values arrive %s, seed %i`, async (_, first, variation) => {
    const { text, assertions } = script(random(first));
    const options = { target: target!, assemble, folder, ...(variation === undefined ? {} : { variation }) };
    const result = await runScript('signatures.wast', Buffer.from(text), options);
    expect(result.failures).toEqual([]);
    expect({ passed: result.passed, skipped: result.skipped }).toEqual({ passed: assertions, skipped: 0 });
  });
});
