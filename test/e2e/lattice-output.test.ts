/** What jobs print: a node keeps nothing of it on its disk, and `logs` tells submissions of one name apart. */

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice, type TestNode } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const printer = join(import.meta.dirname, 'lattice-printer.wat');
const hello = resolve('fixtures/programs/hello.wasm');
const folder = temporaryFolder();
const nodeFolder = join(folder, 'tmp');
const world = new TestLattice(folder);
let node: TestNode;

const wagSnap = (...args: string[]) =>
  command(cli, args, { env: { ...process.env, WAGSNAP_NATS: world.url, XDG_CACHE_HOME: join(folder, 'cache') } });

const ended = (job: string) =>
  world.until(async (lattice) => ['done', 'stopped', 'failed'].includes((await lattice.job(job)).state));

/** Bytes of all files below a folder, as they are on the disk. */
function sizeOf(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true }).reduce((sum, entry) => {
    const found = statSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false });
    return sum + (found?.isFile() ? found.blocks * 512 : 0);
  }, 0);
}

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('what jobs print', () => {
  beforeAll(async () => {
    mkdirSync(nodeFolder);
    await world.start();
    node = await world.node('a', [...PATIENT, '--metrics', '127.0.0.1:0'], world.url, { TMPDIR: nodeFolder });
  });
  afterAll(() => world.close());

  test('a job that prints without end takes no room on its node, and is captured all the same', async () => {
    await wagSnap('submit', printer, '--name', 'printer', '--snapshot-every', '200ms');
    await node.until('running');
    let printed = 0;
    const reading = new AbortController();
    for await (const { data, node: from } of world.lattice.logs('printer', { follow: true, signal: reading.signal })) {
      expect(from).toBe('a');
      printed += data.length;
      if (printed >= 32 << 20) reading.abort();
    }
    expect(sizeOf(nodeFolder)).toBeLessThan(16 << 20);
    await node.until('captured', node.events.length);
    await wagSnap('stop', 'printer');
    await ended('printer');
    expect(printed).toBeGreaterThanOrEqual(32 << 20);
  });

  test('another submission of a name has a log of its own', async () => {
    const args = ['submit', hello, '--name', 'twice'];
    await wagSnap(...args);
    await ended('twice');
    const first = await wagSnap('logs', 'twice');
    expect(first.stdout.length).toBeGreaterThan(0);
    await wagSnap(...args);
    await ended('twice');
    expect((await wagSnap('logs', 'twice')).stdout).toBe(first.stdout);
    expect((await wagSnap('logs', '-f', 'twice')).stdout).toBe(first.stdout);
    const lines = (await wagSnap('logs', 'twice', '--json')).stdout.trim().split('\n');
    for (const [i, line] of lines.entries())
      expect(JSON.parse(line)).toMatchObject({ node: 'a', fence: 2, number: i + 1 });
  });

  test('a name that is none is none, whatever it means to NATS', async () => {
    for (const name of ['a.b*', '>', '*', 'twi ce', 'a.b']) {
      const { status, stderr } = await wagSnap('logs', name);
      expect({ status, stderr }, name).toEqual({
        ...{ status: 3, stderr: `wag-snap: there is no job "${name}": wag-snap jobs lists those that there are\n` },
      });
      const submitted = await wagSnap('submit', hello, '--name', name);
      expect(submitted.status, name).toBe(2);
      expect(submitted.stderr).toContain(`--name "${name}": a name of a job is a letter`);
    }
  });

  test('neither metrics nor the log say what a job was given', async () => {
    const secret = 'hush-hush';
    const args = ['submit', hello, '--name', 'secretive', '--env', `TOKEN=${secret}`, '--', secret];
    expect(await wagSnap(...args)).toMatchObject({ status: 0, stdout: 'secretive\n' });
    await ended('secretive');
    const { metrics } = await node.until('started');
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    expect(text).toMatch(/^wagsnap_node_ended_total [1-9]\d*$/m);
    expect(`${text}${node.stderr}${JSON.stringify(node.events)}`).not.toContain(secret);
    expect((await fetch(`http://${metrics}/healthz?verbose`)).status).toBe(200);
  });

  test('a node that cannot listen for its metrics does not join', async () => {
    const { metrics } = await node.until('started');
    const { status, stdout, stderr } = await wagSnap('node', '--name', 'b', '--metrics', String(metrics));
    expect([status, stdout, stderr]).toEqual([1, '', `wag-snap: ${metrics}: another program listens there\n`]);
    const { stdout: nodes } = await wagSnap('nodes', '--json');
    expect(JSON.parse(nodes)).toMatchObject([{ name: 'a' }]);
  });
});
