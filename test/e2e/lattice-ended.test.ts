/** Jobs that end by themselves: how they did is said, until they are forgotten. */

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LatticeServer } from '../../src/lattice/server.js';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);

const wagSnap = (...args: string[]) =>
  command(cli, args, { env: { ...process.env, WAGSNAP_NATS: world.url, XDG_CACHE_HOME: join(folder, 'cache') } });

/** Prints a line, and ends so. */
function module(name: string, line: string, end: string): string {
  const path = join(folder, `${name}.wat`);
  writeFileSync(
    path,
    `(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\\20\\00\\00\\00\\04\\00\\00\\00") (data (i32.const 32) "${line}\\n")
      (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        ${end}))`,
  );
  return path;
}

const ended = (job: string) =>
  world.until(async (lattice) => {
    const found = await lattice.job(job);
    return found.end !== null && found;
  });

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('jobs that end', () => {
  beforeAll(async () => {
    await world.start();
    await world.node('a', PATIENT);
  });
  afterAll(() => world.close());

  test('a log that is removed while it is read ends there', async () => {
    const server = await LatticeServer.connect({ nats: world.url });
    try {
      const writer = server.logWriter('removed', 1, 'a');
      for (let i = 0; i < 500; i++) await writer.write('stdout', Buffer.from('piece'));
      let isRemoved = false;
      for await (const { fence } of server.readLog('removed', false)) {
        expect(fence).toBe(1);
        if (!isRemoved) await server.removeLog('removed', await server.lastPiece('removed'));
        isRemoved = true;
      }
    } finally {
      await server.close();
    }
  });

  test('one that fails, or traps, says how, and what it has printed is there', async () => {
    await wagSnap('submit', module('fails', 'one', '(call $exit (i32.const 3))'));
    await wagSnap('submit', module('traps', 'two', 'unreachable'));
    await wagSnap('submit', module('works', 'six', ''));
    expect(await ended('fails')).toMatchObject({ state: 'failed', end: 'exit code 3', node: null });
    expect(await ended('traps')).toMatchObject({ state: 'failed' });
    expect(await ended('works')).toMatchObject({ state: 'done', end: 'exit code 0' });
    const { stdout } = await wagSnap('jobs');
    expect(stdout).toMatch(/^fails +failed +- +1 +- +exit code 3$/m);
    expect(stdout).toMatch(/^traps +failed +- +1 +- +\S.*$/m);
    expect((await wagSnap('logs', 'fails')).stdout).toBe('one\n');
    expect(await wagSnap('logs', 'traps')).toMatchObject({
      stdout: 'two\n',
      stderr: expect.stringContaining('unreachable'),
    });
    const history = JSON.parse((await wagSnap('history', 'fails', '--json')).stdout) as {
      what: string;
      note: string;
    }[];
    expect(history.at(-1)).toMatchObject({ what: 'ended', note: 'exit code 3' });
  });

  test('one that runs is not forgotten; one that has ended is, and its name is free', async () => {
    await wagSnap('submit', counter, '--name', 'runs');
    await world.runningAt('a', 'runs', 0);
    const refused = await wagSnap('jobs', '--forget', 'runs');
    expect([refused.status, refused.stderr]).toEqual([
      ...[3, 'wag-snap: the job "runs" has not ended: wag-snap stop runs ends it first\n'],
    ]);
    const { fence } = await world.lattice.job('fails');
    expect((await wagSnap('jobs', '--forget', 'fails')).stdout).toBe('fails\n');
    expect((await wagSnap('jobs', '--all')).stdout).not.toContain('fails');
    expect((await wagSnap('logs', 'fails')).stderr).toContain('there is no job "fails"');
    await wagSnap('submit', module('again', 'new', ''), '--name', 'fails');
    const again = await ended('fails');
    expect(again).toMatchObject({ state: 'done' });
    expect(again.fence).toBeGreaterThan(fence);
    expect(again.history.map(({ what }) => what)).toEqual(['submitted', 'taken', 'ended']);
    expect((await wagSnap('logs', 'fails')).stdout).toBe('new\n');
    const names = JSON.parse((await wagSnap('jobs', '--forget-ended', '1ms', '--json')).stdout) as string[];
    expect(names).toEqual(['fails', 'traps', 'works']);
    expect((await world.lattice.jobs({ all: true })).map(({ name }) => name)).toEqual(['runs']);
    expect((await wagSnap('jobs', '--forget', 'a', '--forget-ended', '1s')).status).toBe(2);
  });
});
