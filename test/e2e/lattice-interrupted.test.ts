/** The tool is killed in the middle of what it does: what is there is right, and the same again does the rest. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);
const ALL = 150;

const environment = () => ({ ...process.env, WAGSNAP_NATS: world.url, XDG_CACHE_HOME: join(folder, 'cache') });
const wagSnap = (...args: string[]) => command(cli, args, { env: environment() });

/** Starts the tool, and kills it as soon as something is so; it may have ended by then. */
async function killed(when: () => Promise<boolean>, ...args: string[]): Promise<void> {
  const child = spawn(cli, args, { stdio: 'ignore', env: environment() });
  const exited = once(child, 'exit');
  while (child.exitCode === null && !(await when()));
  child.kill('SIGKILL');
  await exited;
}

/** NATS may still carry out what the killed one has sent. */
const done = (...args: string[]) => world.until(async () => (await wagSnap(...args)).status === 0);

const count = async (state: string) =>
  (await world.lattice.jobs()).filter((job) => job.state === state && /^many(-\d+)?$/.test(job.name)).length;

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('a tool that is killed', () => {
  beforeAll(() => world.start());
  afterAll(() => world.close());

  test('while it submits, scales and stops replicas', async () => {
    const submit = ['submit', counter, '--name', 'many', '--replicas', String(ALL)];
    await killed(async () => (await count('waiting')) > 0, ...submit);
    const there = await count('waiting');
    expect(there).toBeGreaterThan(0);
    console.log(`killed with ${there} of ${ALL} submitted`);
    const again = await wagSnap(...submit);
    expect([again.status, again.stderr]).toEqual([
      3,
      expect.stringMatching(/there is a job "many(-\d+)?" already: .*\n.*wag-snap scale many 150 submits those/),
    ]);
    expect(await count('waiting')).toBeGreaterThanOrEqual(there);
    await killed(async () => (await count('waiting')) > there, 'scale', 'many', String(ALL));
    await done('scale', 'many', String(ALL));
    expect(await count('waiting')).toBe(ALL);
    await killed(async () => (await count('waiting')) < ALL, 'scale', 'many', '1');
    await done('scale', 'many', '1');
    expect(await count('waiting')).toBe(1);
    expect((await wagSnap('stop', 'many')).status).toBe(0);
    expect(await count('waiting')).toBe(0);
  });

  test('while it moves a job: it runs, once, and can be moved', async () => {
    for (const name of ['a', 'b']) await world.node(name, PATIENT);
    await wagSnap('submit', counter, '--name', 'moved');
    await world.running('moved', 0);
    for (const stage of ['at once', 'asked for', 'there']) {
      const { node } = await world.lattice.job('moved');
      const to = node === 'a' ? 'b' : 'a';
      await killed(
        async () => {
          const job = await world.lattice.job('moved');
          return stage === 'at once' || (stage === 'asked for' && job.to === to) || job.node === to;
        },
        ...['move', 'moved', to],
      );
      await wagSnap('move', 'moved', to);
      await world.until(async (lattice) => {
        const job = await lattice.job('moved');
        return job.node === to && job.to === null && job.state === 'running';
      });
    }
    await world.running('moved', 3);
    let text = '';
    for await (const { data } of world.lattice.logs('moved')) text += Buffer.from(data).toString('latin1');
    const numbers = Array.from(text.matchAll(/line (\d{8})\n/g), ([, number]) => Number(number));
    expect(numbers).toEqual(numbers.map((_, i) => i));
  });
});
