/**
 * `npm run scale [-- NODES…]`: how a lattice grows (docs/scale.md says what the columns are). Nodes with the protocol, the
 * agent and the connection that real ones have, but without processes (simulated-runner.ts), ten jobs for each; a NATS
 * server of its own, with JetStream on disk. Prints a row for each number of nodes; default: 10 30 100 300.
 */

import { availableParallelism, cpus, loadavg } from 'node:os';
import { decisions } from './decisions.js';
import { SimulatedLattice } from './simulated-lattice.js';

const JOBS_EACH = 10;
/** From so many nodes on, those in a process share a connection: a machine cannot read all news for each of them. */
const TOGETHER = 200;
/** For how long messages are counted when nothing changes, in milliseconds. */
const QUIET = 20_000;

const wanted = process.argv.slice(2).map(Number);
if (wanted.some((count) => !(Number.isInteger(count) && count >= 2 && count <= 1000))) {
  console.error('usage: npm run scale [-- NODES…], each from 2 to 1000');
  process.exit(2);
}

for (const count of wanted.length > 0 ? wanted : [10, 30, 100, 300]) {
  const found = { nodes: count, jobs: count * JOBS_EACH, ...(await measure(count)), ...decisions(count, JOBS_EACH) };
  console.log(
    Object.entries(found)
      .map(([what, value]) => `${what}: ${Math.round(value * 100) / 100}`)
      .join(', '),
  );
}
console.log(
  `${availableParallelism()} CPUs (${cpus()[0]?.model}), load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
);

async function measure(count: number): Promise<Record<string, number>> {
  const jobs = count * JOBS_EACH;
  const lattice = await SimulatedLattice.start(
    count,
    count >= 100 ? 60_000 : 10_000,
    count >= TOGETHER ? 'one' : 'each',
  );
  try {
    const start = performance.now();
    await lattice.submit(jobs);
    const submitted = performance.now();
    await lattice.until(() => lattice.placed() === jobs);
    const placed = performance.now();
    const most = lattice.most();
    const { messages, bytes, cpu } = await lattice.traffic(QUIET);
    const minutes = QUIET / 60_000;
    const { simulated, node } = await lattice.memory();
    const look = await lattice.look();
    const drained = performance.now();
    const moved = await lattice.drain(Math.max(1, Math.floor(count / 10)));
    const drain = (performance.now() - drained) / 1000;
    return {
      ...{ 'lease s': lattice.lease / 1000, 'submitted/s': rate(jobs, submitted - start) },
      ...{ 'placed/s': rate(jobs, placed - start), 'most jobs of a node': most },
      ...{ 'messages/node/min': messages / count / minutes, 'KiB/node/min': bytes / count / 1024 / minutes },
      ...{ 'messages/job/min': messages / jobs / minutes, 'CPU of nats-server': cpu / QUIET },
      ...{ 'MiB of a simulated node': simulated, 'MiB of a real node': node },
      ...{ 's of wag-snap jobs': look.seconds, 'MiB of wag-snap jobs': look.memory },
      ...{ 'drained jobs': moved, 'drain s': drain, 'most jobs of a node afterwards': lattice.most() },
      ...{ 'lives lost': lattice.lost },
    };
  } finally {
    await lattice.close();
  }
}

function rate(count: number, milliseconds: number): number {
  return Math.round((count * 1000) / milliseconds);
}
