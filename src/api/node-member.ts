/** Makes this process a node (node.ts). */

import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { InputError, reading, ToolError, UsageError } from '../base/errors.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { quoted } from '../base/terminal-text.js';
import { Agent } from '../lattice/agent.js';
import { bootClock } from '../lattice/clock.js';
import { isNodeName, NODE_RULE } from '../lattice/record-format.js';
import type { NodeOffer } from '../lattice/records.js';
import { LatticeServer } from '../lattice/server.js';
import { timingOf } from '../lattice/state.js';
import { findEmulator } from './launch.js';
import { NodeGuard } from './node-guard.js';
import type { LatticeNode, NodeOptions } from './node-options.js';
import { NodeRunner } from './node-runner.js';
import { checkDirectory } from './process-options.js';
import { createStore } from './store.js';

const LEASE = 10_000;

export async function joinLattice(options: NodeOptions): Promise<LatticeNode> {
  const { name = hostname(), lease = LEASE, dirs = [], onEvent = () => {} } = options;
  if (!isNodeName(name)) throw new UsageError(`--name ${quoted(name)}: a name of a node is ${NODE_RULE}`);
  if (!(lease >= 500 && lease <= 600_000)) throw new UsageError(`--lease ${lease} ms: expected 0.5 s to 10 minutes`);
  for (const { host, name: guest } of dirs) checkGranted(checkDirectory({ host, guest, readOnly: false }).host, guest);
  const store = options.store === undefined ? undefined : await createStore(resolve(options.store));
  const server = await LatticeServer.connect(options);
  const folder = makeTemporaryFolder();
  let fail = (_: Error) => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const guard = new NodeGuard(() => {
    onEvent({ event: 'guard-lost' });
    fail(new ToolError('guard', 'the guard of this node has ended: nothing may run without it'));
  });
  const runner = new NodeRunner({ name, server, guard, store, dirs, folder, onEvent });
  const identity = {
    name,
    session: randomBytes(8).toString('hex'),
    timing: timingOf(lease),
    offer: offerOf(options),
    receiver: null,
  };
  const agent = new Agent(identity, server, runner, bootClock(), onEvent);
  runner.report = (event) => agent.report(event);
  const close = async () => {
    agent.stop();
    guard.close();
    await server.close();
    removeTemporary(folder);
  };
  try {
    const own = await server.readNode(name);
    if (own !== undefined) agent.report({ kind: 'node', ...own });
    if (own?.record.fenced === false) {
      onEvent({ event: 'waiting', why: 'there is a node of this name: it joins when that one has left, or is lost' });
    }
    agent.report({ kind: 'up-to-date' });
    await server.watch(
      (news) => agent.report(news),
      (isConnected) => onEvent({ event: isConnected ? 'connected' : 'disconnected' }),
    );
  } catch (error) {
    await close();
    throw error;
  }
  const closed = Promise.race([agent.left, failed]).finally(close);
  closed.catch(() => {});
  return {
    name,
    get isWell() {
      return agent.hasLease;
    },
    get counts() {
      return { ...runner.counts, running: runner.running };
    },
    closed,
    async leave(how) {
      agent.report({ kind: 'leave', how });
      await closed;
    },
  };
}

/** @throws InputError */
function checkGranted(path: string, name: string): void {
  const found = reading(path, () => statSync(path, { throwIfNoEntry: false }));
  if (found?.isDirectory()) return;
  const why = found === undefined ? 'there is no such folder' : 'it is no folder';
  throw new InputError('no-folder', `--dir ${name}=${path}: ${why}`);
}

function offerOf(options: NodeOptions): NodeOffer {
  const { labels = {}, cpus = availableParallelism(), memory = totalmem(), dirs = [] } = options;
  const own = process.arch === 'arm64' ? 'arm64' : 'x64';
  const arch = (['x64', 'arm64'] as const).filter((one) => one === own || findEmulator(one) !== undefined);
  return { arch, cpus, memory, labels, store: options.store !== undefined, dirs: dirs.map(({ name }) => name) };
}
