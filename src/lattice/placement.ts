/** Where a job can run: what keeps it from a node, and which of the others is the best. */

import type { JobRecord, NodeRecord } from './records.js';
import type { NodeState } from './state.js';

/** Everything that keeps a job from a node, each a sentence; empty: it can run there. */
export function problemsOf(
  { spec, snapshot }: Pick<JobRecord, 'spec' | 'snapshot'>,
  node: NodeRecord,
  usedMemory: number,
): string[] {
  const { offer } = node;
  const problems: string[] = [];
  if (node.fenced) problems.push('it has left, or was lost');
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
  if (snapshot !== null && !offer.store) problems.push('it has no store, where the snapshots of the job are');
  const free = offer.memory - usedMemory;
  if (spec.memory !== null && spec.memory > free) {
    problems.push(`it has ${Math.max(0, free)} bytes of memory left, ${spec.memory} are needed`);
  }
  return problems;
}

/** Bytes of memory that the jobs of a node may use, and their number. */
export function loadOf(name: string, jobs: Iterable<JobRecord>): { memory: number; jobs: number } {
  const load = { memory: 0, jobs: 0 };
  for (const { holder, spec, end } of jobs) {
    if (holder?.node !== name || end !== null) continue;
    load.memory += spec.memory ?? 0;
    load.jobs++;
  }
  return load;
}

/** Nodes that may take a job, the best first: the one with the fewest jobs for its CPUs. */
export function candidates(node: NodeState, job: JobRecord, now: number): NodeRecord[] {
  const { timing } = node;
  const jobs = Object.values(node.jobs).map(({ record }) => record);
  const found: { record: NodeRecord; load: number }[] = [];
  for (const { record, since } of Object.values(node.nodes)) {
    if (record.name !== node.name && now - since >= record.lease * timing.margin) continue;
    const load = loadOf(record.name, jobs);
    if (problemsOf(job, record, load.memory).length > 0) continue;
    found.push({ record, load: load.jobs / Math.max(1, record.offer.cpus) });
  }
  found.sort((a, b) => a.load - b.load || (a.record.name < b.record.name ? -1 : 1));
  return found.map(({ record }) => record);
}
