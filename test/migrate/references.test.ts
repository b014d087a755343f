/**
 * Typed function references at run time: calls, branches on null, tables with initialisers, traps, on both CPUs as V8
 * has it; and captured at every site with such references in locals, operands, globals and tables.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OF_V8, STANDARD } from '../support/function-references.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';
import { FAIL, LEAVE, referencesProgram, TRAPS, WASI } from './references-program.js';

interface V8Instance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; _start(): void };
}
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ readonly instance: V8Instance }>;
};

const folder = temporaryFolder();
const arches = (['x64', 'arm64'] as const).filter(canRun);

async function inV8(bytes: Uint8Array): Promise<string> {
  let stdout = '';
  const wasi = {
    fd_write: () => {
      stdout += Buffer.from(instance.exports.memory.buffer, 16, 1).toString('latin1');
      return 0;
    },
    sched_yield: () => 0,
    proc_exit: (code: number) => {
      throw new Error(`exit ${code}`);
    },
  };
  const { instance } = await WebAssembly.instantiate(bytes, { [WASI]: wasi });
  expect(() => instance.exports._start()).toThrow('exit 42');
  return stdout;
}

test.each(arches)('results are those of V8, %s', async (arch) => {
  const { path } = await build(referencesProgram(STANDARD, LEAVE), join(folder, `results-${arch}`), { arch });
  const stdout = await inV8(referencesProgram(OF_V8, LEAVE));
  expect(stdout.length).toBe(11);
  expect(await Workload.start(path).ended()).toEqual({ stdout, stderr: '', code: 42 });
});

for (const arch of arches) {
  test.each(TRAPS)(`%s of null traps, ${arch}`, async (_, code) => {
    const { path } = await build(referencesProgram(STANDARD, [code, FAIL]), join(folder, `trap-${arch}`), { arch });
    const { code: status, stderr } = await Workload.start(path).ended();
    expect(status).toBe(134);
    expect(stderr).toContain('null reference');
  });
}

test.runIf(arches.length === 2)('continues on the other CPU from every site', async () => {
  const bytes = referencesProgram(STANDARD, LEAVE);
  const own = join(folder, 'crossing');
  mkdirSync(own);
  const x64 = await build(bytes, join(own, 'x64'));
  const arm64 = await build(bytes, join(own, 'arm64'), { arch: 'arm64' });
  const there = await captureAtEverySite(x64, own, {}, 40, arm64);
  expect(there.failures).toEqual([]);
  const reached = sitesIn(arm64, x64, there.reached).slice(0, 12);
  const back = await captureAtEverySite(arm64, own, {}, 12, x64, reached);
  expect(back.failures).toEqual([]);
  expect(reached.length).toBeGreaterThan(10);
});
