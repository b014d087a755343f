/** Makes this process a node (node.ts). */

import { randomBytes } from 'node:crypto';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { ToolError, UsageError } from '../base/errors.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { quoted } from '../base/terminal-text.js';
import { Agent } from '../lattice/agent.js';
import { bootClock } from '../lattice/clock.js';
import { checkOffer, isNodeName, NODE_RULE } from '../lattice/record-format.js';
import type { NodeOffer } from '../lattice/records.js';
import { LatticeServer } from '../lattice/server.js';
import { timingOf } from '../lattice/state.js';
import { parseAddress } from '../transport/tls.js';
import { JobStores } from './job-stores.js';
import { findEmulator } from './launch.js';
import { type ArrivalsOptions, NodeArrivals } from './node-arrivals.js';
import { NodeGrants } from './node-grants.js';
import { NodeGuard } from './node-guard.js';
import type { LatticeNode, NodeOptions } from './node-options.js';
import { NodeRunner } from './node-runner.js';
import { readKeys } from './seal-options.js';

const LEASE = 10_000;

export async function joinLattice(options: NodeOptions): Promise<LatticeNode> {
  const { name = hostname(), lease = LEASE, dirs = [], listen = [], onEvent = () => {} } = options;
  if (!isNodeName(name)) throw new UsageError(`--name ${quoted(name)}: a name of a node is ${NODE_RULE}`);
  if (!(lease >= 500 && lease <= 600_000)) throw new UsageError(`--lease ${lease} ms: expected 0.5 s to 10 minutes`);
  const grants = await NodeGrants.make(dirs, listen);
  const stores = options.store === undefined ? undefined : JobStores.open(options.store);
  const { compress, encryptTo, signKey, identities, verifyKeys, policy } = options;
  const seal = await readKeys({ compress, encryptTo, signKey, identities, verifyKeys, policy });
  const { publicKeys, policy: rules } = seal.keys!;
  const offer = offerOf(options, grants);
  checkOffer(offer);
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
  const runner = new NodeRunner({ name, server, guard, stores, seal, grants, folder, arch: offer.arch[0]!, onEvent });
  let agent: Agent | undefined;
  const close = async () => {
    agent?.stop();
    await runner.arrivals?.close();
    guard.close();
    await server.close();
    removeTemporary(folder);
  };
  const nodes = () => Object.values(agent?.state.nodes ?? {}).map(({ record }) => record);
  try {
    runner.arrivals = await listenForNodes(options.moves, server, {
      ...{ grants, folder, grace: 2 * lease, onEvent, trust: { keys: publicKeys, policy: rules } },
      nodeOf: (key) => nodes().find(({ fenced, receiver }) => !fenced && receiver?.key === key)?.name,
      jobOf: (job) => agent?.state.jobs[job]?.record,
      report: (event) => agent?.report(event),
    });
  } catch (error) {
    await close();
    throw error;
  }
  const identity = {
    name,
    session: randomBytes(8).toString('hex'),
    timing: timingOf(lease),
    offer,
    receiver: runner.arrivals?.receiver ?? null,
  };
  const joined = new Agent(identity, server, runner, bootClock(), onEvent);
  agent = joined;
  runner.report = (event) => joined.report(event);
  runner.nodeOf = (node) => joined.state.nodes[node]?.record;
  try {
    const own = await server.readNode(name);
    if (own !== undefined) joined.report({ kind: 'node', ...own });
    if (own?.record.fenced === false) {
      onEvent({ event: 'waiting', why: 'there is a node of this name: it joins when that one has left, or is lost' });
    }
    joined.report({ kind: 'up-to-date', revision: await server.lastRevision() });
    await server.watch(
      (news) => joined.report(news),
      (isConnected) => onEvent({ event: isConnected ? 'connected' : 'disconnected' }),
    );
  } catch (error) {
    await close();
    throw error;
  }
  const closed = Promise.race([joined.left, failed]).finally(close);
  closed.catch(() => {});
  return {
    name,
    get isWell() {
      return joined.hasLease;
    },
    get counts() {
      return { ...runner.counts, ...runner.gauges };
    },
    closed,
    async leave(how) {
      joined.report({ kind: 'leave', how });
      await closed;
    },
  };
}

/**
 * Where other nodes send programs to. @param moves `HOST:PORT`, or `none`; default: any port of the address by which NATS
 * is reached. @throws UsageError, ToolError
 */
async function listenForNodes(
  moves: string | undefined,
  server: LatticeServer,
  options: Omit<ArrivalsOptions, 'address' | 'advertised'>,
): Promise<NodeArrivals | undefined> {
  if (moves === 'none') return undefined;
  const given = moves === undefined ? undefined : parseAddress(moves);
  if (moves !== undefined && given === undefined) {
    throw new UsageError(`--moves ${quoted(moves)}: expected ADDRESS:PORT, [IPv6]:PORT or none`);
  }
  const isAny = given === undefined || ['0.0.0.0', '::'].includes(given.host);
  const own = isAny ? await server.ownAddress() : undefined;
  const address = given ?? { host: own!, port: 0 };
  return NodeArrivals.listen({ ...options, address, advertised: own });
}

/** This machine's CPU first. */
function possibleArchs() {
  const [own, other] = process.arch === 'arm64' ? (['arm64', 'x64'] as const) : (['x64', 'arm64'] as const);
  return { own, possible: findEmulator(other) === undefined ? [own] : [own, other] };
}

/** @throws ToolError */
function offerOf(options: NodeOptions, { dirs, listen }: NodeGrants): NodeOffer {
  const { labels = {}, cpus = availableParallelism(), memory = totalmem() } = options;
  const { own, possible } = possibleArchs();
  const { arch = possible } = options;
  for (const one of arch) {
    if (!possible.includes(one)) throw new ToolError('no-emulator', `--arch ${one}: ${own} needs qemu-user for it`);
  }
  return { arch, cpus, memory, labels, store: options.store !== undefined, dirs: dirs.map(({ name }) => name), listen };
}
