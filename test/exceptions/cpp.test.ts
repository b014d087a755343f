/** A C++ program that clang has compiled (fixtures/programs/throwing.cpp) does on each CPU what it does in V8. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, canRun, programPath, temporaryFolder, Workload } from '../support/workload.js';

interface Instance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; _start(): void };
}
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => Instance;
};

class Exit extends Error {}

/** What the program prints and its exit code, in this process's V8. */
function runInV8(path: string): { stdout: string; code: number } {
  let stdout = '';
  let code = -1;
  const wasi = {
    fd_write: (_: number, pieces: number, count: number) => {
      const { buffer } = instance.exports.memory;
      const view = new DataView(buffer);
      for (let at = pieces; count-- > 0; at += 8) {
        stdout += Buffer.from(buffer, view.getUint32(at, true), view.getUint32(at + 4, true)).toString('latin1');
      }
      return 0;
    },
    proc_exit: (status: number) => {
      code = status;
      throw new Exit();
    },
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {
    wasi_snapshot_preview1: wasi,
  });
  expect(() => instance.exports._start()).toThrow(Exit);
  return { stdout, code };
}

const folder = temporaryFolder();

test.each((['x64', 'arm64'] as const).filter(canRun))('throws and catches on %s as in V8', async (arch) => {
  const path = programPath('throwing');
  const expected = runInV8(path);
  expect(expected.code).toBe(82);
  const { path: image } = await build(path, join(folder, arch), { arch });
  const { stdout, code } = await Workload.start(image).ended();
  expect({ stdout, code }).toEqual(expected);
});
