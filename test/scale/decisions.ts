/** How fast one node decides, with everything that NATS does left out. */

import { step } from '../../src/lattice/protocol.js';
import type { JobRecord, NodeRecord } from '../../src/lattice/records.js';
import { type Event, newNode, timingOf } from '../../src/lattice/state.js';
import { spec } from '../support/job-spec.js';

const OFFER = { arch: ['x64'], cpus: 4, memory: 2 ** 34, labels: {}, store: true, dirs: [], listen: {} };
const ROUNDS = 3;

/** Others renew their leases, jobs of others change, free ones are seen: as often as each other. */
export function decisions(count: number, jobsEach: number): Record<string, number> {
  const node = newNode({ name: 'n0', session: 'n0', timing: timingOf(60_000), offer: OFFER, receiver: null });
  let [revision, now, events] = [0, 0, 0];
  const tell = (event: Event) => {
    events++;
    for (const effect of step(node, event, now)) {
      if (effect.do === 'write-node') tell({ kind: 'node', record: effect.record, revision: ++revision });
    }
  };
  tell({ kind: 'up-to-date' });
  const others = Array.from({ length: count - 1 }, (_, i): NodeRecord => {
    const name = `n${i + 1}`;
    const life = { incarnation: 1, session: name, renewal: 1, lease: 60_000, fenced: false };
    return { name, ...life, cordoned: false, draining: false, offer: OFFER, receiver: null };
  });
  const jobs = Array.from({ length: count * jobsEach }, (_, i): JobRecord => {
    const holder = { node: `n${i % count}`, incarnation: 1 };
    const rest = { to: null, arrival: null, snapshot: null, uncaptured: null, end: null, restarts: 0, history: [] };
    return { name: `j${i}`, group: 'j', spec, desired: 'run', fence: 1, begun: 0, holder, ...rest };
  });
  for (const record of others) tell({ kind: 'node', record, revision: ++revision });
  for (const record of jobs) tell({ kind: 'job', record, revision: ++revision });
  events = 0;
  const begun = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    now += 1000;
    for (const record of others) {
      tell({ kind: 'node', record: { ...record, renewal: 2 + round }, revision: ++revision });
    }
    for (const record of jobs) {
      if (record.holder?.node === 'n0') continue;
      tell({ kind: 'job', record: { ...record, holder: null }, revision: ++revision });
      tell({ kind: 'job', record, revision: ++revision });
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  const tick = performance.now();
  for (let n = 0; n < 100; n++) tell({ kind: 'tick' });
  return { 'decisions/s of a node': events / seconds, 'ms of a look at the clock': (performance.now() - tick) / 100 };
}
