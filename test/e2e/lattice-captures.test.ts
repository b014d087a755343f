/** A job whose snapshots fail says so, until one succeeds. */

import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('--snapshot-every', () => {
  beforeAll(() => world.start());
  afterAll(() => world.close());

  test('says why there is no snapshot, and each job has its own store', async () => {
    await world.node('a', PATIENT);
    const own = join(folder, 'store', 'counter');
    writeFileSync(own, 'in the way of the job');
    await world.lattice.submit(counter, { name: 'counter', snapshotEvery: 200 });
    const { uncaptured, history } = await world.until(async (lattice) => {
      const job = await lattice.job('counter');
      return job.uncaptured !== null && job;
    });
    expect(uncaptured).toContain(own);
    expect(history.at(-1)).toMatchObject({ what: 'not-captured', node: 'a', note: uncaptured });
    rmSync(own);
    const { snapshot } = await world.until(async (lattice) => {
      const job = await lattice.job('counter');
      return job.uncaptured === null && job.snapshot !== null && job;
    });
    expect(snapshot).toMatch(/^counter:\d+$/);
    await world.lattice.stop('counter');
    await world.until(async (lattice) => (await lattice.job('counter')).state === 'stopped');
    const { stdout } = await command(cli, ['snapshots', '--store', own, '--json']);
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['counter']));
  });
});
