/** Functions that are compiled while their module arrives: the same image, the same error. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { levels, targets } from '../../../../src/arch/targets.js';
import type { WagSnapError } from '../../../../src/base/errors.js';
import { traceTo } from '../../../../src/base/trace.js';
import { type CompileOptions, compileImage } from '../../../../src/compile/link/compile.js';
import { EarlyCompiler, type EarlyOptions } from '../../../../src/compile/link/early-compiler.js';
import type { EarlyPieces } from '../../../../src/compile/link/early-pieces.js';
import { ArrivingModule } from '../../../../src/wasm/arriving-module.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { readModuleBytes } from '../../../../src/wasm/wat.js';
import { subtypesProgram } from '../../../migrate/subtypes.js';
import { assembleByBinaryen } from '../../../support/binaryen.js';
import { moduleFiles } from '../../../support/module-files.js';
import { random } from '../../../support/random.js';
import { seed } from '../../../support/sampling.js';

const files = moduleFiles(6);
const AVX = levels.x64['x86-64-v3'];

let lines: string[] = [];
beforeEach(() => {
  lines = [];
  traceTo((_, line) => lines.push(line), ['compile']);
});
afterEach(() => traceTo(() => {}, []));

type Options = Pick<CompileOptions, 'target' | 'deterministic' | 'allowMissingImports' | 'sites'>;

/** What is compiled of a module that arrives in parts of random sizes, as far as it is there each time. */
function arriving(bytes: Uint8Array, options: Options, pieceBytes?: number): EarlyPieces | undefined {
  const next = random(seed);
  const module = new ArrivingModule('test');
  const { target, deterministic = false, allowMissingImports = false, sites = true } = options;
  const all: EarlyOptions = { target, deterministic, allowMissingImports, sites, ...(pieceBytes && { pieceBytes }) };
  const compiler = new EarlyCompiler(module, all);
  for (let at = 0; at < bytes.length; ) {
    at = Math.min(bytes.length, at + 1 + Math.floor((next() * bytes.length) / 4));
    module.arrive(bytes.slice(0, at) as Uint8Array<ArrayBuffer>);
    while (compiler.step());
  }
  return compiler.take();
}

function image(bytes: Uint8Array, options: Options, early?: EarlyPieces): Uint8Array {
  return compileImage([{ module: decodeModule(bytes, 'test'), file: 'test' }], { ...options, early }).bytes;
}

/** Compares the images. @returns how many pieces were used */
function compare(bytes: Uint8Array, options: Options, pieceBytes = 100): number {
  lines = [];
  const early = arriving(bytes, options, pieceBytes);
  expect(Buffer.compare(image(bytes, options, early), image(bytes, options))).toBe(0);
  const use = lines.findLast((line) => line.includes('early pieces'));
  if (early === undefined) expect(use).toBeUndefined();
  return use?.endsWith('do not fit') === false ? early!.pieces.length : 0;
}

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

const assembled = (text: string) => readModuleBytes(new TextEncoder().encode(text), 'test');

describe(`the image is the same, seed ${seed}`, () => {
  test.each(files)('%s', async (file) => {
    const bytes = await readModuleBytes(file, file);
    for (const target of [targets.x64, AVX, targets.arm64]) {
      for (const sites of [true, false]) {
        compare(bytes, { target, sites, allowMissingImports: true, deterministic: !sites });
      }
    }
  });

  /** On ARM64 the first MiB of text is compiled in its place. */
  test.each(Object.values(targets))('with more than a MiB of code for $name', (target) => {
    // local.get 0, i32.const 1234567, i32.add, local.set 0, a thousand times; a call of the next function
    const step = [0x20, 0, 0x41, 0x87, 0xad, 0xcb, 0, 0x6a, 0x21, 0];
    const body = [0, ...Array.from({ length: 1000 }, () => step).flat(), 0x41, 0];
    const count = 200;
    const bodies = Array.from({ length: count }, (_, i) => {
      const whole = [...body, 0x10, ...leb((i + 1) % count), 0x0b];
      return [...leb(whole.length), ...whole];
    });
    const section = (id: number, contents: number[]) => [id, ...leb(contents.length), ...contents];
    const bytes = Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [1, 0x60, 1, 0x7f, 0]),
      ...section(3, [...leb(count), ...Array.from({ length: count }, () => 0)]),
      ...section(10, [...leb(count), ...bodies.flat()]),
    ]);
    expect(compare(bytes, { target }, 1 << 16)).toBeGreaterThan(target.name === 'arm64' ? 5 : 25);
  });

  const filler = '(drop (i32.const 1234567))'.repeat(30);
  const some = (count: number) => Array.from({ length: count }, () => `(func ${filler})`).join('\n');

  test('with data segments that are counted, and with any number that are not', async () => {
    const counted = await assembled(`(module (memory 1) (table 4 funcref) (global (mut funcref) (ref.func $f))
      (elem $e funcref (ref.func $f)) (data $d "abc")
      (func $f ${filler} (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3)) (data.drop $d))
      (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)) (global.set 0 (ref.func $f)))
      ${some(3)} (func (export "_start")))`);
    expect(compare(counted, { target: targets.x64 })).toBe(5);
    for (const count of [0, 1, 100, 5000]) {
      const datas = '(data (i32.const 0) "abc")'.repeat(count);
      const uncounted = await assembled(`(module (memory 1) ${datas} ${some(3)} (func (export "_start")))`);
      expect(compare(uncounted, { target: targets.x64 })).toBe(4);
    }
  });

  test('where a place depends on how many data segments there are', async () => {
    const bytes = await assembled(`(module (import "a" "g" (global $g i32)) (import "a" "v" (global $v (mut i32)))
      (import "a" "m" (memory 1)) (import "a" "t" (table 2 funcref)) (import "a" "f" (func $i))
      (memory 1) (data 1 (i32.const 0) "abc") (global $f funcref (ref.func $own)) (elem declare func $i)
      (func $own ${filler})
      (func ${filler} (global.set $v (global.get $g)))
      (func ${filler} (drop (i32.load (i32.const 4))))
      (func ${filler} (drop (i32.load 1 (i32.const 4))))
      (func ${filler} (table.set 0 (i32.const 1) (ref.func $own)))
      (func ${filler} (call $i))
      (func ${filler} (drop (ref.func $i)))
      (func (export "_start") ${filler}))`);
    const options = { target: targets.x64, allowMissingImports: true };
    expect(compare(bytes, options)).toBe(6);
    expect(arriving(bytes, options, 100)!.pieces.map(({ first }) => first)).toEqual([0, 1, 2, 3, 5, 7]);
  });

  test('with tags', async () => {
    const module = (data: string) => `(module (tag $t (param i32)) (memory 1) ${data}
      (func $f ${filler} (throw $t (i32.const 1))) ${some(3)}
      (func (export "_start") (try (do (call $f)) (catch $t (drop)))))`;
    expect(compare(await assembled(module('(data "abc")')), { target: targets.x64 })).toBe(0);
  });

  test('with subtypes', () => {
    const bytes = assembleByBinaryen(subtypesProgram('(nop)'));
    expect(compare(bytes, { target: targets.x64 }, 1)).toBeGreaterThan(0);
  });

  test('where a tail call needs more room than its own function has', async () => {
    const params = (count: number) => `(param${' i64'.repeat(count)})`;
    const bytes = await assembled(`(module (func $many ${params(20)}) ${some(4)}
      (func (export "_start") ${'i64.const 2 '.repeat(20)} return_call $many))`);
    // made for callers that reserve nothing
    expect(compare(bytes, { target: targets.x64 })).toBe(0);
    expect(lines.filter((line) => /early pieces/.test(line))).toEqual([
      'test: 4 early pieces fit',
      'test: 4 early pieces do not fit',
    ]);
  });

  test('when it is compiled in another way than was assumed', async () => {
    const bytes = await assembled(`(module (import "a" "f" (func)) ${some(4)} (func (export "_start") (call 0)))`);
    const assumed = { target: targets.x64, allowMissingImports: true };
    const early = arriving(bytes, assumed);
    for (const other of [{ target: AVX }, { target: targets.arm64 }, { deterministic: true }, { sites: false }]) {
      const options = { ...assumed, ...other };
      expect(Buffer.compare(image(bytes, options, early), image(bytes, options))).toBe(0);
      expect(lines.findLast((line) => line.includes('early'))).toBe('test: 1 early pieces do not fit');
    }
    expect(arriving(bytes, { target: targets.x64 })).toBeUndefined(); // cannot be linked
  });

  test('when it has turned out to be too large for near calls', async () => {
    const bytes = await assembled(`(module ${some(4)} (func (export "_start")))`);
    const early = arriving(bytes, { target: targets.x64 })!;
    const { context } = early;
    const target = { ...targets.x64, nearText: context.textBytes - 1 };
    image(bytes, { target }, { ...early, context: { ...context, textBytes: target.nearText } });
    expect(lines.findLast((line) => line.includes('early'))).toBe('test: 1 early pieces do not fit');
  });
});

describe('the error is the same', () => {
  const errorOf = (bytes: Uint8Array, early?: EarlyPieces) => {
    try {
      image(bytes, { target: targets.x64 }, early);
      return undefined;
    } catch (error) {
      const { code, message } = error as WagSnapError;
      return { code, message };
    }
  };

  test('of a function that is invalid, and of a module that is cut off', async () => {
    const filler = '(drop (i32.const 1234567))'.repeat(30);
    const valid = await assembled(`(module (func ${filler}) (func ${filler}) (func (export "_start") ${filler}))`);
    const opcodes = [...valid.keys()].filter((at) => valid[at] === 0x1a); // drop
    for (const at of [opcodes[0], opcodes.at(-1)!]) {
      const invalid = Uint8Array.from(valid);
      invalid[at] = 0x45; // i32.eqz
      const early = arriving(invalid, { target: targets.x64 }, 100);
      expect(early?.pieces.length).toBe(2);
      expect(errorOf(invalid)?.code).toBe('invalid');
      expect(errorOf(invalid, early)).toEqual(errorOf(invalid));
    }
    for (let length = 0; length < valid.length; length += 7) {
      const cut = valid.slice(0, length);
      expect(errorOf(cut, arriving(cut, { target: targets.x64 }, 1))).toEqual(errorOf(cut));
    }
    expect(errorOf(valid.slice(0, -1))?.code).toBe('malformed');
  });
});
