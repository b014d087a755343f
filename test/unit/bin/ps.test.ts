/** `ps`: running, waiting, suspended and parked workloads; how ages and sizes are written. */

import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatTable } from '../../../bin/commands/ps.js';
import { formatAge, formatBytes } from '../../../bin/show/units.js';
import { listWorkloads, type WorkloadEntry } from '../../../src/capture/workloads.js';
import { SECTION } from '../../../src/image/tables/sections.js';
import { withSection } from '../../support/forged-image.js';
import { nativeArch } from '../../support/native-arch.js';
import { build, canRun, temporaryFolder, Workload } from '../../support/workload.js';

const LOOP = '(module (func (export "_start") (loop $l (br $l))))';
const READ = `(module $reader
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (func (export "_start") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))))`;

const folder = temporaryFolder();
const image = async (name: string, text: string) =>
  (await build(new TextEncoder().encode(text), join(folder, name))).path;

async function find(pid: number, is: (entry: WorkloadEntry) => boolean): Promise<WorkloadEntry> {
  let entry: WorkloadEntry | undefined;
  await expect
    .poll(() => {
      entry = listWorkloads().find((workload) => workload.pid === pid);
      return entry !== undefined && is(entry);
    })
    .toBe(true);
  return entry!;
}

it('finds what runs, by what it says about itself', async () => {
  const started = performance.now();
  const looping = Workload.start(await image('looping', LOOP), { args: ['a', 'b c'] });
  const reading = Workload.start(await image('reading', READ), { stdin: 'pipe' });
  const parked = Workload.start(join(folder, 'looping'), { env: { WAGSNAP_PARK: '1' } });
  try {
    const entry = await find(looping.pid, ({ state }) => state === 'running');
    expect(entry).toMatchObject({
      module: 'looping',
      arch: nativeArch,
      capturable: true,
      args: ['program', 'a', 'b c'],
    });
    expect(entry.age).toBeLessThanOrEqual((performance.now() - started) / 1000 + 1);
    expect(entry.memory).toBeGreaterThan(4096);
    expect(await find(reading.pid, ({ systemState }) => systemState === 'S')).toMatchObject({ module: 'reader' });
    expect(formatTable([await find(parked.pid, ({ state }) => state === 'parked')])).toMatch(/ parked +looping\n$/);
    process.kill(looping.pid, 'SIGSTOP');
    expect(formatTable([await find(looping.pid, ({ systemState }) => systemState === 'T')])).toMatch(/ suspended /);
    expect(listWorkloads().some(({ pid }) => pid === process.pid)).toBe(false);
  } finally {
    for (const workload of [looping, reading, parked]) workload.kill();
  }
  await looping.ended();
  expect(listWorkloads().some(({ pid }) => pid === looping.pid)).toBe(false);
});

it.skipIf(!canRun('arm64') || process.arch === 'arm64')('finds what an emulator runs', async () => {
  const { path } = await build(new TextEncoder().encode(LOOP), join(folder, 'emulated'), { arch: 'arm64' });
  const [first, second] = [Workload.start(path), Workload.start(path, { env: { WAGSNAP_PARK: '1' } })];
  try {
    const entry = await find(first.pid, ({ state }) => state === 'running');
    expect(entry).toMatchObject({ module: 'emulated', arch: 'arm64', capturable: true });
    expect(await find(second.pid, ({ state }) => state === 'parked')).toMatchObject({ module: 'emulated' });
    rmSync(path); // the emulator has it still open
    expect(await find(first.pid, ({ state }) => state === 'running')).toMatchObject({ module: 'emulated' });
  } finally {
    for (const workload of [first, second]) workload.kill();
  }
});

it('says of an image that cannot be read why, and continues', async () => {
  const good = await image('good', LOOP);
  const forge = (name: string, bytes: Uint8Array, size?: number) => {
    const path = join(folder, name);
    writeFileSync(path, withSection(readFileSync(good), SECTION.identity, bytes, size), { mode: 0o755 });
    return path;
  };
  const large = forge('large', new Uint8Array(0), 440e6);
  truncateSync(large, 450e6);
  const many = forge('many', Buffer.concat([Buffer.from('81a178dd00f00000', 'hex'), Buffer.alloc(0xf00000, 0x80)]));
  const odd = forge('odd', Buffer.from('\x1b[31m'));
  const workloads = [large, many, odd, good].map((path) => Workload.start(path, { args: ['a'] }));
  try {
    await find(workloads[3].pid, ({ state }) => state === 'running');
    const why = (i: number) => listWorkloads().find(({ pid }) => pid === workloads[i].pid)?.unreadable;
    expect([0, 1, 2, 3].map(why)).toEqual([
      expect.stringMatching(/has 440000000 bytes, more than 16777216/),
      expect.stringMatching(/has more than 10000000 items/),
      expect.stringMatching(/is not a map/),
      undefined,
    ]);
    const entry = listWorkloads().find(({ pid }) => pid === workloads[2].pid)!;
    expect(entry).toMatchObject({ module: 'odd', args: ['program', 'a'], capturable: false, state: undefined });
    expect(entry.memory).toBeGreaterThan(4096);
    expect(formatTable([entry])).toMatch(
      /^\d+ +- +\? .* unreadable +odd: damaged image: identity is not a map {2}a\n$/m,
    );
  } finally {
    for (const workload of workloads) workload.kill();
  }
});

it('writes ages and sizes for people', () => {
  expect([0, 59.9, 60, 184, 3600, 18420, 86400, 183600].map(formatAge)).toEqual([
    '0s',
    '59s',
    '1m00s',
    '3m04s',
    '1h00m',
    '5h07m',
    '1d00h',
    '2d03h',
  ]);
  expect([0, 1023, 1024, 1536 * 1024, 300 * 2 ** 20, 8 * 2 ** 30].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 MiB',
    '300 MiB',
    '8.0 GiB',
  ]);
  expect(formatTable([])).toBe('PID  NAME  ARCH  AGE  MEMORY  STATE  MODULE  ARGUMENTS\n');
});

it('shows a cached or temporary image by the name that it was started as, with its arguments', async () => {
  const { path } = await build(new TextEncoder().encode(LOOP), join(folder, 'nameless'));
  const cached = join(folder, `${'0123456789abcdef'.repeat(3).slice(0, 40)}-a5-7f`);
  const temporary = join(folder, 'wag-snap-0123abcd-77-123-89ab');
  mkdirSync(temporary);
  copyFileSync(path, cached);
  copyFileSync(path, join(temporary, 'image'));
  const images = [cached, join(temporary, 'image')];
  const started = images.map((file) =>
    spawn(file, ['one', 'x'.repeat(100)], { argv0: '/some/where/job.wasm', stdio: 'ignore' }),
  );
  try {
    for (const { pid } of started) {
      const entry = await find(pid!, ({ args }) => args.length === 3);
      expect(entry.module).toBe('job.wasm');
      expect(formatTable([entry])).toMatch(/ job\.wasm {2}one x{55}…\n$/);
    }
  } finally {
    for (const child of started) child.kill('SIGKILL');
  }
});
