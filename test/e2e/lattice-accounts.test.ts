/** The configuration of docs/nats-server.conf: what each of its users may do, and what they are told when they may not. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const printer = join(import.meta.dirname, 'lattice-printer.wat');
const folder = temporaryFolder();
const passwords = {
  WAGSNAP_NODE_PASSWORD: 'p1-node',
  WAGSNAP_USER_PASSWORD: 'p2-user',
  WAGSNAP_VIEWER_PASSWORD: 'p3-viewer',
};

/** As it is in docs, but for the places. */
function configuration(port: number): string {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/nats-server.conf'), 'utf8');
  const changed = text
    .replace('listen: 0.0.0.0:4222', `listen: 127.0.0.1:${port}`)
    .replace('/var/lib/nats', join(folder, 'jetstream'));
  const path = join(folder, 'nats-server.conf');
  writeFileSync(path, changed);
  return path;
}

const world = new TestLattice(folder, { configuration, env: passwords, user: 'viewer:p3-viewer' });
const as = (user: string) => world.url.replace(/\/\/.*@/, `//${user}@`);
const wagSnap = (user: string, ...args: string[]) =>
  command(cli, args, { env: { ...process.env, WAGSNAP_NATS: as(user), XDG_CACHE_HOME: join(folder, 'cache') } });
const [NODE, USER, VIEWER] = ['node:p1-node', 'user:p2-user', 'viewer:p3-viewer'];

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('accounts', () => {
  beforeAll(async () => {
    await world.startServer();
    await world.node('n', PATIENT, as(NODE));
    await world.connect();
  });
  afterAll(() => world.close());

  test('a node runs and captures what a user submits, and a viewer sees it', async () => {
    expect((await wagSnap(USER, 'submit', counter, '--name', 'job', '--snapshot-every', '200ms')).stdout).toBe('job\n');
    await world.until(async (lattice) => (await lattice.job('job')).snapshot !== null);
    expect((await wagSnap(VIEWER, 'jobs')).stdout).toMatch(/^job +running +n +1 +job:\d+/m);
    expect((await wagSnap(VIEWER, 'nodes')).stdout).toMatch(/^n +ready/m);
    expect((await wagSnap(VIEWER, 'logs', 'job')).stdout).toMatch(/^line 00000000\n/);
    expect((await wagSnap(VIEWER, 'history', 'job')).stdout).toContain('submitted');
  });

  test('a viewer changes nothing, and is told so', async () => {
    for (const args of [
      ['stop', 'job'],
      ['cordon', 'n'],
      ['submit', counter, '--name', 'other'],
      ['scale', 'job', '2'],
    ]) {
      const { status, stderr } = await wagSnap(VIEWER, ...args);
      expect({ status, stderr }, args[0]).toMatchObject({ status: 1 });
      expect(stderr).toMatch(
        /^wag-snap: these credentials of NATS do not allow it \(Permissions Violation for Publish to /,
      );
    }
    expect((await world.lattice.jobs()).map(({ name, state }) => [name, state])).toEqual([['job', 'running']]);
  });

  test('a node adds no module', async () => {
    const { status, stderr } = await wagSnap(NODE, 'submit', printer, '--name', 'other');
    expect(status).toBe(1);
    expect(stderr).toContain('these credentials of NATS do not allow it');
    expect((await world.lattice.jobs()).map(({ name }) => name)).toEqual(['job']);
  });

  test('a user stops it; whoever has no password gets nothing', async () => {
    expect((await wagSnap(USER, 'stop', 'job')).stdout).toBe('job\n');
    await world.until(async (lattice) => (await lattice.job('job')).state === 'stopped');
    const refused = await wagSnap(VIEWER, 'jobs', '--forget', 'job');
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('do not allow it')]);
    expect((await wagSnap(VIEWER, 'logs', 'job')).stdout).toMatch(/^line 00000000\n/);
    expect((await wagSnap(USER, 'jobs', '--forget', 'job')).stdout).toBe('job\n');
    expect(await world.lattice.jobs({ all: true })).toEqual([]);
    const { status, stderr } = await wagSnap('user:wrong', 'jobs');
    expect(status).toBe(1);
    expect(stderr).toContain('NATS refuses these credentials');
    expect(stderr).not.toContain('wrong');
  });
});
