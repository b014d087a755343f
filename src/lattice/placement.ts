/** Where a job can run: what keeps it from a node, and which node is the best. */

import { formatBytes } from '../base/byte-size.js';
import type { Load } from './holdings.js';
import type { JobRecord, NodeRecord } from './records.js';
import type { NodeState } from './state.js';

/** What keeps every job from a node whose life is over. */
export const GONE = 'it has left, or was lost';

/** Everything that keeps a job from a node, each a sentence; empty: it can run there. */
export function problemsOf(
  { name: job, spec, snapshot }: Pick<JobRecord, 'name' | 'spec' | 'snapshot'>,
  node: NodeRecord,
  load: Load,
): string[] {
  const { offer } = node;
  const problems: string[] = [];
  if (node.fenced) problems.push(GONE);
  if (node.cordoned) problems.push('it is cordoned');
  if (node.draining) problems.push('it is being drained');
  if (spec.arch !== null && !offer.arch.includes(spec.arch)) {
    problems.push(`it runs programs for ${offer.arch.join(', ')}, not for ${spec.arch}`);
  }
  for (const [key, value] of Object.entries(spec.labels)) {
    if (offer.labels[key] !== value) problems.push(`it has no label ${key}=${value}`);
  }
  for (const { name } of spec.dirs) {
    if (!offer.dirs.includes(name)) problems.push(`it grants no directory "${name}"`);
  }
  for (const name of spec.listen) {
    const other = load.listeners.get(name)?.find((one) => one !== job);
    if (!Object.hasOwn(offer.listen, name)) problems.push(`it grants no address "${name}"`);
    else if (other !== undefined) problems.push(`its address "${name}" is taken by the job ${other}`);
  }
  if (snapshot !== null && !offer.store) problems.push('it has no store, where the snapshots of the job are');
  else if (spec.snapshotEvery !== null && !offer.store) problems.push('it has no store for the snapshots of the job');
  const free = offer.memory - load.memory;
  if (spec.memory !== null && spec.memory > free) {
    problems.push(`it has ${formatBytes(Math.max(0, free))} of memory left, ${formatBytes(spec.memory)} are needed`);
  }
  return problems;
}

/** A node that can run a job, and the number of jobs that it has for each CPU. */
interface Candidate {
  readonly record: NodeRecord;
  readonly load: number;
}

/** The one with the fewest jobs for its CPUs is the best. Of equal ones each job has another order. */
function compare(job: string, a: Candidate, b: Candidate): number {
  if (a.load !== b.load) return a.load - b.load;
  const [own, other] = [placeOf(job, a.record.name), placeOf(job, b.record.name)];
  return own - other || (a.record.name < b.record.name ? -1 : 1);
}

/** A number that any two nodes compute alike. */
function placeOf(job: string, node: string): number {
  let hash = 0x811c9dc5;
  for (const text of [node, job]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

function candidate({ name, timing, nodes, holdings }: NodeState, job: JobRecord, of: string, now: number, more = 0) {
  const { record, since } = nodes[of]!;
  if (of !== name && now - since >= record.lease * timing.margin) return undefined;
  const load = holdings.load(of);
  if (problemsOf(job, record, load).length > 0) return undefined;
  return { record, load: (load.jobs + more) / Math.max(1, record.offer.cpus) };
}

/**
 * Whether it is this node's turn to take a job that has been free for so many milliseconds. It leaves it to better ones: a
 * turn for each of them, and longer the more jobs it has than the best one, so that a node whose news come early does not
 * take everything. They may hang, so there is an end to it.
 */
export function isOnesTurn(node: NodeState, job: JobRecord, now: number, free: number): boolean {
  const { timing, nodes, holdings } = node;
  if (nodes[node.name] === undefined) return false;
  // those that are coming do not count: other nodes take some, too, and this one does not know of it
  const own = candidate(node, job, node.name, now, -holdings.coming);
  if (own === undefined) return false;
  if (free < 0) return false;
  let better = 0;
  let least = own.load;
  for (const name in nodes) {
    if (name === node.name) continue;
    const other = candidate(node, job, name, now);
    if (other === undefined || compare(job.name, other, own) > 0) continue;
    better++;
    least = Math.min(least, other.load);
    const wait = better * timing.turn + (own.load - least) * timing.busier;
    if (wait > free && free < timing.lease / 2) return false;
  }
  return true;
}

/** The best node for a job, this one aside. Programs that are on their way to a node count as its own. */
export function bestOther(node: NodeState, job: JobRecord, now: number): NodeRecord | undefined {
  const coming = new Map<string, JobRecord[]>();
  for (const [name, { state, move }] of Object.entries(node.programs)) {
    const sent = node.jobs[name]?.record;
    if (!move?.to || sent === undefined || (state !== 'sending' && state !== 'parked')) continue;
    coming.set(move.to.node, [...(coming.get(move.to.node) ?? []), sent]);
  }
  let best: Candidate | undefined;
  for (const name in node.nodes) {
    if (name === node.name) continue;
    const sent = coming.get(name) ?? [];
    if (sent.some(({ spec }) => spec.listen.some((one) => job.spec.listen.includes(one)))) continue;
    const other = candidate(node, job, name, now, sent.length);
    if (other !== undefined && (best === undefined || compare(job.name, other, best) < 0)) best = other;
  }
  return best?.record;
}
