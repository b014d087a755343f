/** A job that has ended begins again, or not, as `--restart` says. */

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const folder = temporaryFolder();
const world = new TestLattice(folder);

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

/** Ends with a code. */
function program(code: number): string {
  const path = join(folder, `ends-with-${code}.wat`);
  writeFileSync(
    path,
    `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const ${code}))))`,
  );
  return path;
}

async function submit(name: string, code: number, ...args: string[]): Promise<void> {
  const given = ['submit', program(code), '--name', name, ...args];
  const { status, stderr } = await command(cli, given, { env: { ...process.env, WAGSNAP_NATS: world.url } });
  expect(status, stderr).toBe(0);
}

const whats = async (name: string) => (await world.lattice.job(name)).history.map(({ what }) => what);
const ENDED = ['submitted', 'taken', 'ended'];

describe.skipIf(!hasNats)('--restart', () => {
  beforeAll(() => world.start());
  afterAll(() => world.close());

  test('begins a job again always, when it has failed, or never', async () => {
    await world.node('a', PATIENT);
    await submit('default', 7);
    await submit('never', 7, '--restart', 'never');
    await submit('succeeds', 0, '--restart', 'on-failure');
    await submit('fails', 7, '--restart', 'on-failure');
    await submit('always', 0, '--restart', 'always');
    for (const [name, state, end] of [
      ['default', 'failed', 'exit code 7'],
      ['never', 'failed', 'exit code 7'],
      ['succeeds', 'done', 'exit code 0'],
    ] as const) {
      const job = await world.until(async (lattice) => {
        const found = await lattice.job(name);
        return found.end !== null && found;
      });
      expect({ state: job.state, end: job.end, restarts: job.restarts }).toEqual({ state, end, restarts: 0 });
      expect(await whats(name)).toEqual(ENDED);
    }
    for (const [name, note] of [
      ['fails', 'exit code 7'],
      ['always', 'exit code 0'],
    ] as const) {
      await world.until(async (lattice) => (await lattice.job(name)).restarts >= 2);
      await world.lattice.stop(name);
      const job = await world.until(async (lattice) => {
        const found = await lattice.job(name);
        return found.end !== null && found;
      });
      const restarted = job.history.filter(({ what }) => what === 'restarted');
      expect(restarted).toHaveLength(job.restarts);
      expect(restarted.every((entry) => entry.note === note)).toBe(true);
      expect((await whats(name)).slice(0, 4)).toEqual(['submitted', 'taken', 'restarted', 'taken']);
    }
  });
});
