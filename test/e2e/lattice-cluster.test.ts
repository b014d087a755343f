/** NATS servers that are lost, one of three, and news that stop coming: nothing acknowledged is forgotten, and jobs run on. */

import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectLattice, type Lattice } from '../../src/api/lattice.js';
import { LatticeServer, type RecordNews } from '../../src/lattice/server.js';
import { hasNats, NO_NATS, PATIENT, TestLattice, TestNode } from '../support/lattice.js';
import { NatsCluster } from '../support/nats-cluster.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const RECORDS = 'KV_wagsnap';

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined && found !== false) return found;
    await sleep(50);
  }
}

describe.skipIf(!hasNats)('a cluster of three NATS servers', () => {
  const folder = temporaryFolder();
  const cluster = new NatsCluster(folder);
  const nodes: TestNode[] = [];
  let lattice: Lattice;
  let nc: NatsConnection;

  /** An election may take the answer away. */
  const submit = (name: string, options = {}) =>
    until(() => lattice.submit(counter, { name, ...options }).catch((error) => error.code === 'job-exists'));

  beforeAll(async () => {
    await cluster.start();
    lattice = await connectLattice({ nats: cluster.url });
    nc = await connect({ servers: cluster.url.split(','), maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  });
  afterAll(async () => {
    await lattice?.close();
    await nc?.close();
    for (const { child, exited } of nodes) {
      child.kill('SIGKILL');
      await exited;
    }
    await cluster.close();
  });

  test('each in turn is lost and comes back: the job runs on, and another one is taken', async () => {
    const manager = await jetstreamManager(nc, { timeout: 5000 });
    for (const name of ['a', 'b']) {
      const args = ['node', '--nats', cluster.url, '--name', name, '--store', join(folder, 'store'), ...PATIENT];
      const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
      const node = new TestNode(name, spawn(cli, args, { stdio: ['ignore', 'pipe', 'pipe'], env }));
      nodes.push(node);
      await node.until('joined');
    }
    for (const stream of [RECORDS, 'OBJ_wagsnap-modules', 'wagsnap-logs']) {
      const { config } = await until(() => manager.streams.info(stream));
      expect([stream, config.num_replicas]).toEqual([stream, 3]);
    }
    await submit('first', { snapshotEvery: 500 });
    const begun = await until(async () => {
      const job = await lattice.job('first');
      return job.snapshot !== null && job;
    });
    for (const lost of [0, 1, 2]) {
      await cluster.kill(lost);
      await submit(`job${lost}`);
      await until(async () => (await lattice.job(`job${lost}`)).state === 'running');
      const { snapshot } = await until(() => lattice.job('first'));
      await until(async () => (await lattice.job('first')).snapshot !== snapshot);
      await cluster.startOne(lost);
      // the next one may be lost only when all three have everything again
      await until(async () => {
        const { cluster: found } = await manager.streams.info(RECORDS);
        return found?.leader && found.replicas?.length === 2 && found.replicas.every(({ current }) => current);
      });
    }
    const { node, fence, history } = await until(() => lattice.job('first'));
    expect({ node, fence, history }).toEqual({ node: begun.node, fence: begun.fence, history: begun.history });
    // one that was taken during an election may have been given back, and taken again
    const names = (await until(() => lattice.jobs())).map(({ name }) => name);
    expect(names).toEqual(['first', 'job0', 'job1', 'job2']);
  });
});

describe.skipIf(!hasNats)('a NATS server that has forgotten who wants to have the news', () => {
  const folder = temporaryFolder();
  const world = new TestLattice(folder);
  beforeAll(() => world.start());
  afterAll(() => world.close());

  test('they come again', async () => {
    const server = await LatticeServer.connect({ nats: world.url });
    const nc = await connect({ servers: world.url.slice('nats://'.length) });
    try {
      const news: RecordNews[] = [];
      await server.watch(
        (one) => news.push(one),
        () => {},
      );
      const manager = await jetstreamManager(nc);
      for await (const { name } of manager.consumers.list(RECORDS)) await manager.consumers.delete(RECORDS, name);
      const offer = { arch: ['x64'], cpus: 1, memory: 1, labels: {}, store: false, dirs: [], listen: {} };
      const life = { incarnation: 1, session: 's', renewal: 1, lease: 1000, fenced: false };
      const record = { name: 'n', ...life, cordoned: false, draining: false, offer, receiver: null };
      const revision = await server.write(record, 0);
      await until(async () => news.some((one) => one.kind === 'node' && one.revision === revision));
    } finally {
      await nc.close();
      await server.close();
    }
  });
});
