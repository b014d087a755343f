/** An image as process 1 of a pid namespace, which is what a container's entry point is. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { readModule } from '../../src/wasm/wat.js';
import { nativeArch } from '../support/native-arch.js';
import { Output } from '../support/waiting.js';

/** Says "ready", then computes for ever. */
const BUSY = '(loop $forever (br $forever))';
/** The same, then sleeps in a read of its standard input. */
const BLOCKED = '(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))';
const source = (what: string) => `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 64) "ready\\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    ${what}))`;

const UNSHARE = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
const permitted = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-first-process-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

for (const [name, what] of Object.entries({ busy: BUSY, blocked: BLOCKED })) {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const) {
    test(`${name}, ends on ${signal} as a shell shows it`, async ({ skip }) => {
      if (!permitted) return skip('this machine does not permit unshare --pid');
      const module = await readModule(new TextEncoder().encode(source(what)), 'first.wat');
      const image = join(folder, name);
      const { bytes } = compileImage([{ module, file: 'first.wat' }], { target: targets[nativeArch] });
      writeFileSync(image, bytes, { mode: 0o755 });
      const child = spawn('unshare', [...UNSHARE, image], { stdio: ['pipe', 'pipe', 'inherit'] });
      const closed = once(child, 'close');
      try {
        await new Output(child).has(/./);
        const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
        expect(readFileSync(`/proc/${first}/status`, 'utf8')).toMatch(/^NSpid:\t\d+\t1$/m);
        process.kill(Number(first), signal);
        expect(await closed).toEqual([code, null]);
      } finally {
        child.kill('SIGKILL');
      }
    });
  }
}
