/** `wag-snap node --embedded`: a lattice of one machine, with a NATS server that the node starts. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTo } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findNatsServer } from '../../src/api/own-nats-server.js';
import { command } from '../support/command.js';
import { freePort } from '../support/free-port.js';
import { hasNats, NO_NATS, TestNode } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const env: NodeJS.ProcessEnv = {
  ...process.env,
  XDG_STATE_HOME: join(folder, 'state'),
  XDG_CACHE_HOME: join(folder, 'cache'),
};
delete env['WAGSNAP_NATS'];
const started: ChildProcess[] = [];
let port = 0;

function start(nats: string): TestNode {
  const args = ['node', '--embedded', '--nats', nats, '--name', 'only', '--lease', '1s'];
  const child = spawn(cli, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  started.push(child);
  return new TestNode('only', child);
}

async function isServed(): Promise<boolean> {
  const socket = connectTo(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function untilNotServed(): Promise<void> {
  while (await isServed()) await sleep(20);
}

test('without nats-server it says what to install', () => {
  expect(() => findNatsServer([join(folder, 'nothing')])).toThrow(
    '--embedded needs nats-server, which is not in PATH (Debian: apt-get install nats-server)',
  );
});

test.each([
  [['--nats', 'nats://10.0.0.1:4222'], 'its NATS server is for this machine only'],
  [['--nats', 'tls://127.0.0.1:4222'], 'its NATS server is for this machine only'],
  [['--creds', 'user.creds'], 'its NATS server has no users from files'],
])('--embedded with %s is refused', async (args, why) => {
  const { status, stderr } = await command(cli, ['node', '--embedded', ...args], { env });
  expect([status, stderr]).toEqual([2, expect.stringContaining(`--embedded: ${why}`)]);
});

test('a node without --nats says what there is to choose from', async () => {
  const { status, stderr } = await command(cli, ['node'], { env });
  expect(status).toBe(2);
  expect(stderr).toContain('no NATS server was given');
  expect(stderr).toContain('wag-snap node --embedded');
});

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('a node with a NATS server of its own', () => {
  beforeAll(async () => {
    port = await freePort();
  });
  afterAll(async () => {
    for (const child of started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await untilNotServed();
  });

  test('it runs jobs; the server ends with it, however it ends, and the records stay', async () => {
    const nats = `nats://secret@127.0.0.1:${port}`;
    const wagSnap = (...args: string[]) => command(cli, [...args, '--nats', nats], { env });
    const first = start(nats);
    await first.until('joined');
    expect((await wagSnap('submit', counter)).stderr).toBe('');
    await first.until('running');
    const stranger = await command(cli, ['jobs', '--nats', `nats://127.0.0.1:${port}`], { env });
    expect([stranger.status, stranger.stderr]).toEqual([1, expect.stringContaining('refuses these credentials')]);
    first.child.kill('SIGKILL');
    await first.exited;
    await untilNotServed();
    const second = start(nats);
    expect((await second.until('taken'))['job']).toBe('lattice-counter');
    await second.until('running');
    second.child.kill('SIGTERM');
    expect(await second.exited).toBe(0);
    expect(await isServed()).toBe(false);
  });

  test('a port that is in use is named', async () => {
    const nats = `nats://127.0.0.1:${port}`;
    const node = start(nats);
    await node.until('joined');
    const { status, stderr } = await command(cli, ['node', '--embedded', '--nats', nats, '--name', 'other'], { env });
    expect(status).toBe(1);
    expect(stderr).toContain(`did not start at 127.0.0.1:${port}`);
    expect(stderr).toContain('address already in use');
    node.child.kill('SIGINT');
    expect(await node.exited).toBe(0);
  });
});
