/**
 * Functions that several threads compile: the same image, the same error, and no thread that stays. Needs a build
 * (npm run build), which the threads run.
 */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { compile } from '../../../../src/api/compile.js';
import { levels, targets } from '../../../../src/arch/targets.js';
import { ToolError, type WagSnapError } from '../../../../src/base/errors.js';
import { traceTo } from '../../../../src/base/trace.js';
import { type CompileOptions, compileImage } from '../../../../src/compile/link/compile.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { readModule } from '../../../../src/wasm/wat.js';
import { subtypesProgram } from '../../../migrate/subtypes.js';
import { assembleByBinaryen } from '../../../support/binaryen.js';
import { command } from '../../../support/command.js';
import { moduleFiles } from '../../../support/module-files.js';
import { seed } from '../../../support/sampling.js';

const files = moduleFiles(8);
const AVX = levels.x64['x86-64-v3'];
/** Several pieces even of a small module. */
const SMALL_PIECES = { jobs: 3, pieceBytes: 100 };

const threads: Worker[] = [];
process.on('worker', (thread) => threads.push(thread));

/** All threads that were started, at least one, have ended. */
async function threadsEnded(): Promise<void> {
  await sleep(0); // the event comes then
  expect(threads.length).toBeGreaterThan(0);
  while (threads.some(({ threadId }) => threadId >= 0)) await sleep(5);
  threads.length = 0;
}

describe(`the image is the same, seed ${seed}`, () => {
  test.each(files)('%s', async (file) => {
    const module = await readModule(file, file);
    for (const target of [targets.x64, AVX, targets.arm64]) {
      for (const sites of [true, false]) {
        const options = { target, sites, allowMissingImports: true, deterministic: !sites };
        const alone = compileImage([{ module, file }], options);
        const together = compileImage([{ module, file }], { ...options, ...SMALL_PIECES });
        expect(Buffer.compare(together.bytes, alone.bytes)).toBe(0);
      }
    }
    await threadsEnded();
  });

  test('with subtypes, which a thread is told of', async () => {
    const module = decodeModule(assembleByBinaryen(subtypesProgram('(nop)')), 'subtypes');
    expect(module.types.some(({ isOpen }) => isOpen)).toBe(true);
    for (const target of Object.values(targets)) {
      const inputs = [{ module, file: 'subtypes' }];
      const alone = compileImage(inputs, { target });
      expect(Buffer.compare(compileImage(inputs, { target, ...SMALL_PIECES }).bytes, alone.bytes)).toBe(0);
    }
    await threadsEnded();
  });

  /** On ARM64 the first MiB of text is compiled in its place: only a large module has more. */
  test.each(Object.values(targets))('esbuild for $name', async (target) => {
    const file = resolve('node_modules/esbuild-wasm/esbuild.wasm');
    const module = decodeModule(readFileSync(file), file);
    const options: CompileOptions = { target, allowMissingImports: true, includeModule: false };
    let most = 0;
    const onProgress = (done: number, total: number) => {
      expect(done).toBeGreaterThanOrEqual(most);
      most = done;
      expect(most).toBeLessThanOrEqual(total);
    };
    const alone = compileImage([{ module, file }], options);
    const lines: string[] = [];
    traceTo((_, line) => lines.push(line), ['compile']);
    const together = compileImage([{ module, file }], { ...options, jobs: 3, onProgress });
    traceTo(() => {}, []);
    expect(lines.find((line) => line.includes('came from other threads'))).toMatch(/: [1-9]\d* of \d+ pieces/);
    expect(Buffer.compare(together.bytes, alone.bytes)).toBe(0);
    await threadsEnded();
  });

  test('of several modules that are linked', async () => {
    const provider = await module(`(module (func (export "f") (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
      (global (export "g") i32 (i32.const 7)) (tag (export "t") (param i32)))`);
    const user = await module(`(module (import "a" "f" (func $f (param i32) (result i32))) (import "a" "g" (global i32))
      (import "a" "t" (tag $t (param i32)))
      ${Array.from({ length: 30 }, (_, i) => `(func (param i32) (result i32) local.get 0 call $f global.get 0 i32.add i32.const ${i} i32.xor)`).join('\n')}
      (func (export "_start") i32.const 5 call 1 drop (try (do i32.const 1 throw $t) (catch $t drop))))`);
    const inputs = [
      { name: 'a', module: provider, file: 'a' },
      { module: user, file: 'user' },
    ];
    for (const target of Object.values(targets)) {
      const alone = compileImage(inputs, { target });
      const together = compileImage(inputs, { target, jobs: 3, pieceBytes: 20 });
      expect(Buffer.compare(together.bytes, alone.bytes)).toBe(0);
    }
  });

  test('where bodies name reference types of the module', async () => {
    const typed = decodeModule(namesReferenceTypes(), 't');
    for (const target of Object.values(targets)) {
      const alone = compileImage([{ module: typed, file: 't' }], { target });
      const together = compileImage([{ module: typed, file: 't' }], { target, ...SMALL_PIECES });
      expect(Buffer.compare(together.bytes, alone.bytes)).toBe(0);
    }
  });

  test('where a tail call needs more room than its own function has', async () => {
    const params = (count: number) => `(param${' i64'.repeat(count)})`;
    const tail = await module(`(module (func $many ${params(20)})
      ${Array.from({ length: 20 }, () => `(func (param i64) i64.const 1 drop)`).join('\n')}
      (func (export "f") ${'i64.const 2 '.repeat(20)} return_call $many))`);
    for (const target of Object.values(targets)) {
      const alone = compileImage([{ module: tail, file: 't' }], { target });
      const together = compileImage([{ module: tail, file: 't' }], { target, jobs: 2, pieceBytes: 20 });
      expect(Buffer.compare(together.bytes, alone.bytes)).toBe(0);
    }
  });
});

async function module(text: string) {
  return readModule(new TextEncoder().encode(text), 'test');
}

/** A module of 20 functions that call each other by typed references: no assembler here knows them. */
function namesReferenceTypes(): Uint8Array {
  const [I32, LOCAL_GET, REF_FUNC, CALL_REF, END] = [0x7f, 0x20, 0xd2, 0x14, 0x0b];
  const section = (id: number, ...bytes: number[]) => [id, (bytes.length & 127) | 128, bytes.length >> 7, ...bytes];
  const bodies = Array.from({ length: 20 }, (_, i) => {
    const body = [0, LOCAL_GET, 0, REF_FUNC, (i * 7) % 20, CALL_REF, i % 4, END];
    return [body.length, ...body];
  });
  const types = Array.from({ length: 4 }, () => [0x60, 1, I32, 1, I32]);
  const functions = Array.from({ length: 20 }, () => 0);
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 4, ...types.flat()),
    ...section(3, 20, ...functions),
    ...section(9, 1, 3, 0, 20, ...functions.map((_, i) => i)), // declares all
    ...section(10, 20, ...bodies.flat()),
  ]);
}

/** A module of 40 functions of which some return nothing where an i32 is due. */
function invalidAt(...wrong: number[]): Uint8Array {
  const bodies = Array.from({ length: 40 }, (_, i) =>
    wrong.includes(i) ? [2, 0, 0x0b] : [8, 0, ...[0x41, 1, 0x41, 2, 0x6a], 0x0b].with(0, 7),
  );
  const section = (id: number, ...bytes: number[]) => [id, bytes.length, ...bytes];
  const code = [40, ...bodies.flat()];
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 1, 0x7f),
    ...section(3, 40, ...new Array<number>(40).fill(0)),
    10,
    (code.length & 127) | 128,
    code.length >> 7,
    ...code,
  ]);
}

describe('the error is the same', () => {
  test.each([[[0]], [[39]], [[25, 7, 31]], [[0, 39]]])('of functions %j the first in the file', async (wrong) => {
    const module = decodeModule(invalidAt(...wrong), 'file.wasm');
    const errorOf = (options: Partial<CompileOptions>) => {
      try {
        compileImage([{ module, file: 'file.wasm' }], { target: targets.x64, ...options });
      } catch (error) {
        const { name, code, message, exitCode } = error as WagSnapError;
        return { name, code, message, exitCode };
      }
      throw new Error('it was compiled');
    };
    const alone = errorOf({});
    expect(alone.code).toBe('invalid');
    for (const pieceBytes of [1, 30, 100]) {
      expect(errorOf({ jobs: 3, pieceBytes })).toEqual(alone);
      await threadsEnded();
    }
  });
});

test('where no thread may be started, one compiles', async () => {
  const program = `
    const module = ${JSON.stringify(resolve('fixtures/programs/interp.wasm'))};
    process.on('worker', () => process.exit(1));
    const { compileImage } = await import(${JSON.stringify(resolve('dist/src/compile/link/compile.js'))});
    const { readModule } = await import(${JSON.stringify(resolve('dist/src/wasm/wat.js'))});
    const { targets } = await import(${JSON.stringify(resolve('dist/src/arch/targets.js'))});
    const decoded = await readModule(module, module);
    const sizes = [1, 2].map((jobs) => compileImage([{ module: decoded, file: module }], { target: targets.x64, jobs, pieceBytes: 100 }).size);
    process.stdout.write(JSON.stringify(sizes[0] === sizes[1]));`;
  const permission = Number.parseInt(process.versions.node, 10) < 22 ? '--experimental-permission' : '--permission';
  const args = ['--no-warnings', permission, '--allow-fs-read=*', '--input-type=module', '-e', program];
  expect(await command(process.execPath, args)).toMatchObject({ stdout: 'true', stderr: '', status: 0 });
});

test('a compilation that is given up ends its threads', async () => {
  const file = resolve('node_modules/esbuild-wasm/esbuild.wasm');
  const controller = new AbortController();
  const compiled = compile(file, {
    allowMissingImports: true,
    jobs: 2,
    signal: controller.signal,
    onProgress: (done, total) => {
      if (done > total / 3) controller.abort('enough');
    },
  });
  await expect(compiled).rejects.toThrow(ToolError);
  await expect(compiled).rejects.toThrow('interrupted by enough: nothing was compiled');
  await threadsEnded();
});

test.each([0, -1, 1.5, Number.NaN])('%s is not a number of threads', async (jobs) => {
  await expect(compile('fixtures/programs/hello.wasm', { jobs })).rejects.toThrow(
    /^jobs: .* is not a number of threads$/,
  );
});
