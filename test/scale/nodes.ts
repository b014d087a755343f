/** Some nodes of `npm run scale`, in a process of their own: NATS-URL GROUP COUNT LEASE. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Agent } from '../../src/lattice/agent.js';
import { bootClock } from '../../src/lattice/clock.js';
import { LatticeServer } from '../../src/lattice/server.js';
import { timingOf } from '../../src/lattice/state.js';
import { SimulatedRunner } from './simulated-runner.js';

/** Bytes of all nodes, after everything that nobody needs was removed. */
export interface Report {
  readonly used: number;
  /** Without nodes. */
  readonly base: number;
}

const [nats = '', group = '', count = '', lease = ''] = process.argv.slice(2);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function used(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const base = used();
const offer = {
  arch: ['x64'],
  cpus: 4,
  memory: 2 ** 34,
  labels: { simulated: 'yes' },
  store: true,
  dirs: [],
  listen: {},
};
const clock = bootClock();

async function join(name: string): Promise<void> {
  const server = await LatticeServer.connect({ nats });
  const runner = new SimulatedRunner();
  let joined = () => {};
  const done = new Promise<void>((resolve) => {
    joined = resolve;
  });
  const identity = { name, session: name, timing: timingOf(Number(lease)), offer, receiver: null };
  const agent = new Agent(identity, server, runner, clock, ({ event }) => {
    if (event === 'joined') joined();
  });
  runner.report = (event) => agent.report(event);
  agent.report({ kind: 'up-to-date' });
  await server.watch(
    (news) => agent.report(news),
    () => {},
  );
  await done;
}

for (let n = 0; n < Number(count); n++) await join(`n${group}-${n}`);
process.once('disconnect', () => process.exit());
process.on('message', () => process.send?.({ used: used(), base } satisfies Report));
process.send?.('joined');
