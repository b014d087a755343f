/**
 * Which jobs are held by whom, and what each node has to do for them. It is kept as records change, so a decision about
 * one job does not look at all of them.
 */

import { type Holder, isSameHolder, type JobRecord } from './records.js';

/** What the jobs of a node use. */
export interface Load {
  /** Bytes of memory that they may use. */
  readonly memory: number;
  readonly jobs: number;
  /** Whose the node's addresses are, by their names: one job's each, if all goes well. */
  readonly listeners: ReadonlyMap<string, readonly string[]>;
}

export const NO_LOAD: Load = { memory: 0, jobs: 0, listeners: new Map() };

interface Held {
  readonly holder: Holder | null;
  readonly jobs: Set<string>;
}

const keyOf = (holder: Holder | null) => (holder === null ? '' : `${holder.node} ${holder.incarnation}`);

export class Holdings {
  /** Jobs that are not over, each counted as its record here says. */
  private readonly counted = new Map<string, JobRecord>();
  private readonly expected = new Set<string>();
  private readonly held = new Map<string, Held>();
  private readonly loads = new Map<string, Load>();

  constructor(jobs: Iterable<JobRecord> = []) {
    for (const job of jobs) this.set(job.name, job);
  }

  copy(): Holdings {
    const copy = new Holdings(this.counted.values());
    for (const name of this.expected) copy.expected.add(name);
    return copy;
  }

  /** A record has changed. @param record undefined: there is none */
  set(name: string, record: JobRecord | undefined): void {
    this.expected.delete(name);
    this.replace(name, record);
  }

  /** This node takes a job: its memory counts from now on. */
  expect(record: JobRecord): void {
    this.expected.add(record.name);
    this.replace(record.name, record);
  }

  /** The jobs that this node has asked for, and does not have yet. */
  get coming(): number {
    return this.expected.size;
  }

  private replace(name: string, record: JobRecord | undefined): void {
    const before = this.counted.get(name);
    if (record === undefined || record.end !== null) {
      if (before === undefined) return;
      this.counted.delete(name);
      this.count(before, -1);
      return;
    }
    this.counted.set(name, record);
    if (before !== undefined && usesAlike(before, record)) {
      if (before.holder === record.holder || isSameHolder(before.holder, record.holder)) return;
    }
    if (before !== undefined) this.count(before, -1);
    this.count(record, 1);
  }

  private count({ name, holder, spec }: JobRecord, by: 1 | -1): void {
    const key = keyOf(holder);
    const held = this.held.get(key) ?? { holder, jobs: new Set() };
    if (by === 1) held.jobs.add(name);
    else held.jobs.delete(name);
    if (held.jobs.size > 0) this.held.set(key, held);
    else this.held.delete(key);
    if (holder === null) return;
    const before = this.load(holder.node);
    const jobs = before.jobs + by;
    if (jobs === 0) return void this.loads.delete(holder.node);
    const memory = before.memory + by * (spec.memory ?? 0);
    this.loads.set(holder.node, { memory, jobs, listeners: listenersOf(before, name, spec.listen, by) });
  }

  load(node: string): Load {
    return this.loads.get(node) ?? NO_LOAD;
  }

  /** The names of the jobs that a life of a node holds; null: of those that nobody holds. */
  of(holder: Holder | null): ReadonlySet<string> {
    return this.held.get(keyOf(holder))?.jobs ?? new Set();
  }

  /** Everybody who holds one. Null is among them when a job is free. */
  holders(): Iterable<Holder | null> {
    return Array.from(this.held.values(), ({ holder }) => holder);
  }
}

function usesAlike({ spec: a }: JobRecord, { spec: b }: JobRecord): boolean {
  return (
    a.memory === b.memory && a.listen.length === b.listen.length && a.listen.every((name, i) => name === b.listen[i])
  );
}

/** @param by 1: the job has these addresses from now on; -1: not any more */
function listenersOf({ listeners }: Load, job: string, names: readonly string[], by: 1 | -1): Load['listeners'] {
  if (names.length === 0) return listeners;
  const changed = new Map(listeners);
  for (const name of names) {
    const others = (changed.get(name) ?? []).filter((one) => one !== job);
    changed.set(name, by === 1 ? [...others, job] : others);
  }
  return changed;
}
