/**
 * A job never runs twice. What it prints cannot tell: of two processes NATS lets only one print. So the job appends its
 * lines to a file of its host: each process writes numbers that follow each other, and two at once would break them
 * again and again.
 */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasNats, NO_NATS, TestLattice, type TestNode } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const appender = join(import.meta.dirname, 'lattice-appender.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);
const data = join(folder, 'data');
const granted = ['--dir', `data=${data}`];

const log = join(data, 'log');
const numbers = () =>
  Array.from((existsSync(log) ? readFileSync(log, 'latin1') : '').matchAll(/line (\d{8})\n/g), ([, number]) =>
    Number(number),
  );

/** How often a line did not follow the one before it. */
const breaks = (all: readonly number[]) => all.filter((number, i) => i > 0 && number !== all[i - 1]! + 1).length;

/** Waits until more lines are there. */
async function goesOn(): Promise<void> {
  const { length } = numbers();
  await world.until(async () => numbers().length > length + 20);
}

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

test('two at once would be seen', () => {
  expect(breaks([0, 1, 2, 3])).toBe(0);
  expect(breaks([0, 1, 2, 2, 3, 4])).toBe(1);
  expect(breaks([0, 1, 2, 1, 3, 2, 4])).toBe(4);
});

describe.skipIf(!hasNats)('a job that writes to a file of its host', () => {
  const nodes = new Map<string, TestNode>();
  beforeAll(async () => {
    mkdirSync(data);
    await world.start();
  });
  afterAll(() => world.close());

  test('is there once, whatever happens to its nodes', async () => {
    const { relay, url } = await world.relay();
    nodes.set('a', await world.node('a', granted, url));
    await world.lattice.submit(appender, {
      ...{ name: 'appender', snapshotEvery: 300, dirs: [{ name: 'data', guest: 'data' }] },
    });
    await world.runningAt('a', 'appender', 0);
    await nodes.get('a')!.until('captured');
    nodes.set('b', await world.node('b', granted));

    const onAnother = async (node: string) => {
      await world.until(async (lattice) => {
        const job = await lattice.job('appender');
        return job.node !== node && job.state === 'running';
      });
      await goesOn();
    };

    relay.cut();
    await onAnother('a');
    relay.mend();
    await goesOn();

    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      const { node } = await world.until(async (lattice) => {
        const job = await lattice.job('appender');
        return job.state === 'running' && job.node !== null && { node: job.node };
      });
      const victim = nodes.get(node)!;
      victim.child.kill(signal);
      await onAnother(node);
      victim.child.kill('SIGCONT');
      if (signal === 'SIGKILL') nodes.set(node, await world.node(node, granted));
      await goesOn();
    }
    const all = numbers();
    const last = await world.until(async (lattice) => (await lattice.job('appender')).fence);
    expect(breaks(all)).toBeLessThan(last);
    expect(new Set(all).size).toBe(Math.max(...all) + 1);
    console.log(`${all.length} lines, ${breaks(all)} breaks, ${last} holders`);
  });
});
