import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BugError, WagSnapError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { validateBodies } from '../../../src/wasm/validate.js';
import { random } from '../../support/random.js';
import {
  createAssembler,
  headOf,
  moduleOf,
  SCRIPT_FEATURES,
  splitCommands,
  testsuiteFolder,
  testsuiteScripts,
} from '../../support/wast.js';
import { isAboutUnsupported, isNewerThanV8, v8Accepts } from './v8.js';

/** Random changes of valid modules: we never fail but by a WagSnapError, and accept what V8 accepts. */

const ROUNDS = Number(process.env['MUTATIONS'] ?? 40_000);
const SEED = Number(process.env['SEED'] ?? 1);
const LARGEST = 4000;

const FALLBACK = `(module
  (type $f (func (param i32 i64) (result f32 f64)))
  (import "env" "g" (global $g i32))
  (memory 1 2) (table $t 4 8 funcref) (global $h (mut i64) (i64.const -5))
  (elem (global.get $g) $a $b) (data (i32.const 8) "abc") (data $p "xyz")
  (func $a (type $f) (f32.convert_i32_s (local.get 0)) (f64.convert_i64_u (local.get 1)))
  (func $b (export "b") (param i32) (result i32) (local i32 i64 f32 f64)
    (block $out (result i32)
      (loop $again
        (local.set 1 (i32.add (local.get 1) (i32.load8_u offset=3 (local.get 0))))
        (br_if $again (i32.lt_u (local.get 1) (i32.const 100)))
        (br_table $again $again (local.get 0)))
      (memory.copy (i32.const 0) (i32.const 1) (i32.const 2)) (memory.init $p (i32.const 0) (i32.const 0) (i32.const 3))
      (call_indirect (type $f) (i32.const 1) (global.get $h) (i32.const 0)) (drop) (drop)
      (if (result i32) (local.get 0) (then (select (i32.const 1) (i32.const 2) (local.get 1))) (else (unreachable))))))`;

async function seeds(): Promise<Uint8Array[]> {
  const assemble = await createAssembler(SCRIPT_FEATURES);
  const modules = [assemble({ form: 'text', id: undefined, source: Buffer.from(FALLBACK) }, 'fallback.wat')];
  const folder = testsuiteFolder();
  if (folder === undefined) return modules;
  for (const script of testsuiteScripts(folder)) {
    for (const command of splitCommands(readFileSync(`${folder}/${script}`))) {
      if (headOf(command) !== 'module') continue;
      const bytes = assemble(moduleOf(command), script);
      if (bytes.length <= LARGEST && !isNewerThanV8(decodeModule(bytes))) modules.push(bytes);
    }
  }
  return modules;
}

/** Bytes that mean something in many places. */
const TELLING = [0x00, 0x01, 0x02, 0x0b, 0x1a, 0x40, 0x41, 0x60, 0x6f, 0x70, 0x7b, 0x7f, 0x80, 0xfc, 0xff];

function mutate(source: Uint8Array, below: (n: number) => number): Uint8Array {
  const bytes = Array.from(source);
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = 8 + below(Math.max(1, bytes.length - 8));
    const value = below(2) === 0 ? TELLING[below(TELLING.length)]! : below(256);
    switch (below(8)) {
      case 0:
        bytes.splice(at, 0, value);
        break;
      case 1:
        bytes.splice(at, 1);
        break;
      case 2:
        bytes[at] = bytes[8 + below(Math.max(1, bytes.length - 8))]!;
        break;
      case 3:
        bytes[at] = (bytes[at]! + 1) & 0xff;
        break;
      case 4:
        bytes[at] = (bytes[at]! + 255) & 0xff;
        break;
      default:
        bytes[at] = value;
    }
  }
  return Uint8Array.from(bytes);
}

test('mutated modules: accepted exactly when V8 does, no errors but ours', async () => {
  const modules = await seeds();
  for (const bytes of modules) expect(v8Accepts(bytes)).toBe(true);
  const next = random(SEED);
  const below = (n: number) => Math.floor(next() * n);
  let accepted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutate(modules[below(modules.length)]!, below);
    let error: unknown;
    try {
      validateBodies(decodeModule(bytes));
      accepted++;
    } catch (thrown) {
      error = thrown;
    }
    const shown = () => `round ${round} of seed ${SEED}: ${Buffer.from(bytes).toString('hex')}`;
    const byV8 = v8Accepts(bytes);
    if (error === undefined) {
      if (!byV8 && !isNewerThanV8(decodeModule(bytes))) throw new Error(`accepted, but not by V8: ${shown()}`);
    } else if (!(error instanceof WagSnapError) || error instanceof BugError)
      throw new Error(shown(), { cause: error });
    else if (byV8 && !isAboutUnsupported(error.message)) throw new Error(`refused: ${shown()}`, { cause: error });
  }
  expect(accepted).toBeGreaterThan(ROUNDS / 100);
});
