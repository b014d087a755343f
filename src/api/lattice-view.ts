/** Jobs and nodes as people see them, from their records. */

import { Holdings } from '../lattice/holdings.js';
import { GONE, problemsOf } from '../lattice/placement.js';
import type { Holder, JobRecord, NodeRecord } from '../lattice/records.js';
import type { AllRecords } from '../lattice/server.js';
import { timingOf } from '../lattice/state.js';
import type { JobEntry, NodeEntry } from './lattice-options.js';

/** All records at one time, as far as nodes are concerned. */
type LatticeRecords = Omit<AllRecords, 'ages'>;

/** Nodes that have gone, and jobs that have ended, are listed for this long, in milliseconds. */
const LISTED = 3_600_000;

/** A node that is silent for too long has gone, also when no other one is there to say so. */
export function withGone<T extends LatticeRecords>(records: T): T {
  const { nodes, silence } = records;
  const isGone = ({ name, lease }: NodeRecord) => (silence.get(name) ?? 0) >= lease * timingOf(lease).margin;
  return { ...records, nodes: nodes.map((node) => (isGone(node) ? { ...node, fenced: true } : node)) };
}

/** @param all also those that have gone long ago, and have no job any more */
export function nodeEntries({ nodes, jobs, silence }: LatticeRecords, all: boolean): NodeEntry[] {
  const holdings = new Holdings(jobs);
  return nodes.flatMap(({ name, fenced, draining, cordoned, offer }) => {
    const load = holdings.load(name);
    const silent = silence.get(name) ?? 0;
    if (!all && fenced && silent >= LISTED && load.jobs === 0) return [];
    const state = fenced ? 'gone' : draining ? 'draining' : cordoned ? 'cordoned' : 'ready';
    return [{ name, state, ...offer, used: load.memory, jobs: load.jobs, silent }];
  });
}

/** @param all also those that have ended long ago */
export function jobEntries(records: AllRecords, all: boolean): JobEntry[] {
  const holdings = new Holdings(records.jobs);
  return records.jobs
    .filter(({ name, end }) => all || end === null || (records.ages.get(name) ?? 0) < LISTED)
    .map((job) => jobEntry(job, records, holdings));
}

/** @param holdings of all jobs */
export function jobEntry(
  job: JobRecord,
  { nodes, jobs, silence }: LatticeRecords,
  holdings = new Holdings(jobs),
): JobEntry {
  const { name, fence, holder, spec, snapshot, to, uncaptured, restarts, end, history } = job;
  const state = stateOf(job, nodes);
  const listed = nodes.filter((node) => !node.fenced || (silence.get(node.name) ?? 0) < LISTED);
  const gone = nodes.filter(({ fenced }) => fenced).map(({ name }) => ({ node: name, problems: [GONE] }));
  const isStuck = state === 'stopping' && isLost(holder, nodes) && gone.length === nodes.length;
  const isDrained = state === 'running' && nodes.some((node) => node.name === holder?.node && node.draining);
  const all =
    state === 'waiting' || state === 'lost' || isDrained
      ? listed.map((node) => ({ node: node.name, problems: keepsFrom(job, node, holdings) }))
      : isStuck
        ? gone
        : [];
  // one that leaves its node is no news as long as another one can take it
  const problems = isDrained && all.some(({ problems }) => problems.length === 0) ? [] : all;
  const { module, env: _, ...demands } = spec;
  return {
    ...{ name, state, node: holder?.node ?? null, fence, module, spec: demands, snapshot: snapshot?.reference ?? null },
    ...{ to, restarts, end: end === null ? null : endText(job), problems, history },
    uncaptured: state === 'running' ? uncaptured : null,
    listen: spec.listen.map((name) => ({ name, address: addressOf(name, end === null ? holder : null, nodes) })),
  };
}

/** What keeps a job from a node; of one that has gone nothing else. */
function keepsFrom(job: JobRecord, node: NodeRecord, holdings: Holdings): string[] {
  if (node.fenced) return [GONE];
  return [...problemsOf(job, node, holdings.load(node.name)), ...unableOf(job, node.name)];
}

/** Where the node that has a job lets it accept connections. */
function addressOf(name: string, holder: Holder | null, nodes: readonly NodeRecord[]): string | null {
  const { listen = {} } = nodes.find((node) => node.name === holder?.node)?.offer ?? {};
  return Object.hasOwn(listen, name) ? (listen[name] ?? null) : null;
}

/** Why a node could not start a job that waits, the last time that it tried to. */
function unableOf({ history }: JobRecord, node: string): string[] {
  const last = history.findLast((entry) => entry.node === node && entry.what !== 'taken');
  return last?.what === 'not-started' ? [`it could not start it: ${last.note}`] : [];
}

function stateOf({ end, desired, holder }: JobRecord, nodes: readonly NodeRecord[]): JobEntry['state'] {
  if (end !== null) return desired === 'stop' ? 'stopped' : end.code === 0 ? 'done' : 'failed';
  if (desired === 'stop') return 'stopping';
  if (holder === null) return 'waiting';
  return isLost(holder, nodes) ? 'lost' : 'running';
}

/** Whether there is a holder, and it is not heard of. */
function isLost(holder: Holder | null, nodes: readonly NodeRecord[]): boolean {
  if (holder === null) return false;
  const node = nodes.find(({ name }) => name === holder.node);
  return node === undefined || node.fenced || node.incarnation !== holder.incarnation;
}

export function endText({ end }: JobRecord): string {
  if (end === null) return 'it runs';
  if (end.problem !== null) return end.problem;
  if (end.signal !== null) return `signal ${end.signal}`;
  return end.code === null ? 'it was stopped' : `exit code ${end.code}`;
}
