/**
 * Restored processes whose pages come while they run: every way in which a program, the host layer and the kernel reach
 * a page that is not there, what is told when one never comes, and tools that look at such a process.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listWorkloads } from '../../src/capture/workloads.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { capturePid } from '../support/capture.js';
import { type LazyProcess, type LazySettings, startLazily } from '../support/lazy-process.js';
import { random } from '../support/random.js';
import { type Built, build, canRun, captureAndEnd, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();
let count = 0;

describe.each(['x64', 'arm64'] as const)('%s', (arch) => {
  const runnable = canRun(arch);
  if (!runnable) console.log(`skipped: programs for ${arch} do not run here`);
  let built: Built;
  const snapshot = join(folder, `${arch}.wsnap`);
  const processes: LazyProcess[] = [];
  afterAll(() => {
    for (const { workload } of processes) workload.kill();
  });

  const start = async (settings: LazySettings = {}, from = snapshot) => {
    const process = await startLazily(from, built, join(folder, `${arch}-${count++}`), settings);
    processes.push(process);
    return process;
  };
  /** What it prints until it ends, with this input. */
  const run = (input: string, settings?: LazySettings) => runFrom(snapshot, input, settings);
  const runFrom = async (from: string, input: string, settings: LazySettings = {}) => {
    const process = await start(settings, from);
    process.workload.stdin.end(input);
    return { process, ending: await process.workload.ended() };
  };

  beforeAll(async () => {
    if (!runnable) return;
    built = await build(join(import.meta.dirname, 'lazy-pages.wat'), join(folder, arch), { arch });
    const workload = Workload.start(built.path, { stdin: 'pipe' });
    await workload.waitFor('R');
    await captureAndEnd(workload, snapshot);
  });

  const lost =
    'wasm trap: pages lost: the rest of its memory was on elsewhere (pid 7), and no more of it will ever come\n';

  test.skipIf(!runnable)('every kind of access, each page on demand', async () => {
    const { process, ending } = await run('1oaprg');
    expect(ending).toEqual({ code: 0, stdout: expect.stringMatching(/^1oaabcdefghp.{4}rg$/s), stderr: '' });
    expect(new Set(process.wanted).size).toBe(process.wanted.length);
    expect(process.wanted.length).toBeGreaterThan(64);
    expect(process.pages.left).toBe(0);
  });

  test.skipIf(!runnable)('bulk instructions, and what the kernel writes', async () => {
    for (const input of ['b', 'c', 'g']) {
      const { process, ending } = await run(input);
      expect(ending).toEqual({ code: 0, stdout: input, stderr: '' });
      expect(process.wanted.length).toBeLessThan(12);
    }
  });

  test.skipIf(!runnable)('what has come already is not asked for, and nothing that was there', async () => {
    const { process, ending } = await run('1a', {
      isMissing: (unit) => unit % 3 === 0,
      onWant: (unit, lazy) => bringUpTo(lazy, unit),
    });
    expect(ending).toEqual({ code: 0, stdout: '1a', stderr: '' });
    expect(process.wanted.every((unit) => unit % 3 === 0)).toBe(true);
    expect(process.wanted.length).toBeLessThan(12);
  });

  test.skipIf(!runnable).each([
    ['an access of the program', '1'],
    ['an instruction of the host layer', 'b'],
    ['a call in which the kernel reads', 'r'],
    ['a call in which the kernel writes', 'c'],
  ])('a page that never comes ends it: %s', async (_, input) => {
    const [page] = [0]; // of which it needs something in every call
    const { ending } = await run(`${input}g`, {
      env: { WAGSNAP_ON_TRAP: 'park' }, // there is nothing to look at
      onWant: (unit, lazy) => (unit === lazy.units[page] ? lazy.bring(unit) : lazy.pages.close()),
    });
    expect([ending.code, ending.stdout]).toEqual([134, '']);
    expect(ending.stderr.startsWith(lost)).toBe(true);
    expect(ending.stderr).toMatch(/func/);
  });

  test.skipIf(!runnable)('what it needs no more may be lost', async () => {
    const process = await start();
    process.workload.stdin.write('a');
    await process.workload.waitFor('a');
    process.pages.close();
    process.workload.stdin.end('a');
    expect(await process.workload.ended()).toEqual({ code: 0, stdout: 'aa', stderr: '' });
  });

  test.skipIf(!runnable)('a process that asks for what no file has is not answered', async () => {
    const { pages } = await start();
    expect(() => pages.arrived(4096, 1)).toThrow('unit 4096 of a file with fewer has come');
  });

  test.skipIf(!runnable)('a capture waits until all of it is there', async () => {
    const process = await start();
    const { workload, pages, units } = process;
    workload.stdin.write('1');
    await workload.waitFor('1');
    expect(stateOf(workload.pid)).toBe('arriving');
    const file = join(folder, `${arch}-captured.wsnap`);
    const captured = captureAndEnd(workload, file);
    for (const unit of units) {
      expect(stateOf(workload.pid)).toBe('arriving');
      process.bring(unit);
      await sleep(1);
    }
    await captured;
    expect(pages.left).toBe(0);
    expect((await workload.ended()).code).toBe(75);
    const { ending } = await runFrom(file, 'oa');
    expect(ending).toEqual({ code: 0, stdout: 'oa', stderr: '' });
  });

  test.skipIf(!runnable)('it is an ordinary process once it has heard that all has come', async () => {
    const process = await start();
    process.bring(process.units[0], process.units.length);
    while (stateOf(process.workload.pid) !== 'running') await sleep(1);
    globalThis.process.kill(process.workload.pid, 'SIGURG');
    for (const tracking of ['protect', 'userfault', 'none'] as const) {
      const output = join(folder, `${arch}-${tracking}.wsnap`);
      await capturePid(process.workload.pid, { output, tracking });
      expect((await runFrom(output, 'oa')).ending).toEqual({ code: 0, stdout: 'oa', stderr: '' });
    }
    process.workload.stdin.end('oa');
    expect(await process.workload.ended()).toEqual({ code: 0, stdout: 'oa', stderr: '' });
    expect(process.wanted).toEqual([]);
  });

  test.skipIf(!runnable)('one that has trapped is captured, with all of its memory', async () => {
    const process = await start({ env: { WAGSNAP_ON_TRAP: 'park' } });
    const { workload, units } = process;
    workload.stdin.write('u');
    await workload.waitForTrap();
    const output = join(folder, `${arch}-trapped.wsnap`);
    const captured = capturePid(workload.pid, { output });
    for (const unit of units) process.bring(unit);
    await captured;
    const { snapshot } = readSnapshot(output);
    expect(snapshot.trap?.message).toBe('unreachable');
    const all = snapshot.instances.flatMap((instance) => instance.memories);
    const page = Buffer.alloc(4);
    const fd = openSync(output, 'r');
    for (const { offset, fileOffset, bytes } of all[0]!.extents) {
      for (let at = 0; at < bytes; at += 4096) {
        if (offset + at < 65536) continue;
        readSync(fd, page, 0, 4, fileOffset + at);
        expect(page.readInt32LE(), `at ${offset + at}`).toBe((Math.imul(offset + at, 0x9e3779b1) + 1) | 0);
      }
    }
    closeSync(fd);
  });

  const seed = Number(globalThis.process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  test.skipIf(!runnable)(`pages come in any order while it runs (seed ${seed})`, async () => {
    const next = random(seed);
    const process = await start();
    const { workload, units } = process;
    const order = [...units].sort(() => next() - 0.5);
    let printed = 0;
    for (const unit of order) {
      process.bring(unit);
      if (next() < 0.2) globalThis.process.kill(workload.pid, 'SIGURG');
      if (next() > 0.1) continue;
      workload.stdin.write('oa'[printed++ % 2]!);
      await workload.waitUntil((stdout) => stdout.length === printed, 'an answer');
    }
    workload.stdin.end('oa');
    expect((await workload.ended()).code).toBe(0);
  });
});

function stateOf(pid: number): string | undefined {
  return listWorkloads().find((workload) => workload.pid === pid)?.state;
}

/** Brings a unit and some before it. */
function bringUpTo(lazy: LazyProcess, unit: number): void {
  const first = Math.max(unit - 6, lazy.units[0]!);
  lazy.bring(first, unit - first + 1);
}
