/**
 * Some nodes of `npm run scale`, in a process of their own: NATS-URL GROUP COUNT LEASE CONNECTIONS. `one`: they share a
 * connection, which gets each news once for all of them; `each`: as real nodes.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Agent } from '../../src/lattice/agent.js';
import { bootClock } from '../../src/lattice/clock.js';
import { LatticeServer, type RecordNews } from '../../src/lattice/server.js';
import { timingOf } from '../../src/lattice/state.js';
import { SimulatedRunner } from './simulated-runner.js';

/** Bytes of all nodes, after everything that nobody needs was removed. */
export interface Report {
  readonly used: number;
  /** Without nodes. */
  readonly base: number;
}

const [nats = '', group = '', count = '', lease = '', connections = ''] = process.argv.slice(2);
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

/** The news of a connection, for those that come later, too. */
class SharedNews {
  private readonly last = new Map<string, RecordNews>();
  private readonly readers: ((news: RecordNews) => void)[] = [];

  tell(news: RecordNews): void {
    const name = news.kind === 'node' || news.kind === 'job' ? news.record.name : '';
    this.last.set(`${news.kind} ${name}`, news);
    for (const read of this.readers) read(news);
  }

  add(read: (news: RecordNews) => void): void {
    for (const news of this.last.values()) read(news);
    this.readers.push(read);
  }
}

const shared = connections === 'one' ? await LatticeServer.connect({ nats }) : undefined;
const news = new SharedNews();
await shared?.watch(
  (one) => news.tell(one),
  () => {},
);

async function join(name: string): Promise<void> {
  const server = shared ?? (await LatticeServer.connect({ nats }));
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
  if (shared !== undefined) news.add((one) => agent.report(one));
  else {
    await server.watch(
      (one) => agent.report(one),
      () => {},
    );
  }
  await done;
}

for (let n = 0; n < Number(count); n++) await join(`n${group}-${n}`);
process.once('disconnect', () => process.exit());
process.on('message', () => process.send?.({ used: used(), base } satisfies Report));
process.send?.('joined');
