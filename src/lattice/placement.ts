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

/** What the jobs of a node use. */
export interface Load {
  /** Bytes of memory that they may use. */
  memory: number;
  jobs: number;
}

/** The loads of all nodes that have one, by their names: looked up once for many jobs. */
export class Loads {
  private static readonly NONE: Readonly<Load> = { memory: 0, jobs: 0 };
  private readonly all = new Map<string, Load>();

  constructor(jobs: Iterable<JobRecord>) {
    for (const { holder, spec, end } of jobs) {
      if (holder === null || end !== null) continue;
      const load = this.all.get(holder.node) ?? { memory: 0, jobs: 0 };
      load.memory += spec.memory ?? 0;
      load.jobs++;
      this.all.set(holder.node, load);
    }
  }

  of(node: string): Readonly<Load> {
    return this.all.get(node) ?? Loads.NONE;
  }
}

/** Nodes that may take a job, the best first: the one with the fewest jobs for its CPUs. */
export function candidates(node: NodeState, job: JobRecord, now: number, loads: Loads): NodeRecord[] {
  const { timing } = node;
  const found: { record: NodeRecord; load: number }[] = [];
  for (const { record, since } of Object.values(node.nodes)) {
    if (record.name !== node.name && now - since >= record.lease * timing.margin) continue;
    const load = loads.of(record.name);
    if (problemsOf(job, record, load.memory).length > 0) continue;
    found.push({ record, load: load.jobs / Math.max(1, record.offer.cpus) });
  }
  found.sort((a, b) => a.load - b.load || (a.record.name < b.record.name ? -1 : 1));
  return found.map(({ record }) => record);
}
