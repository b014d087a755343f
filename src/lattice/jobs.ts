/** What a node does about a job: takes it, runs it, reports its snapshots and its end, gives it away. */

import { endsLife, hasLease, isOver } from './membership.js';
import { bestOther, isOnesTurn } from './placement.js';
import { type HistoryEntry, isSameHolder, type JobRecord, type NodeRecord, withHistory } from './records.js';
import { type Effect, type Ended, jobKey, type Move, type NodeState, type Program, type Unable } from './state.js';

export function decideJob(node: NodeState, name: string, now: number, effects: Effect[]): void {
  const known = node.jobs[name];
  const record = known?.record;
  const isMine = record !== undefined && isSameHolder(record.holder, ownLife(node));
  endStale(node, name, isMine ? record : undefined, record, effects);
  const ended = node.ends[name];
  if (ended !== undefined && (!isMine || record.fence !== ended.fence)) delete node.ends[name];
  if (known === undefined || record === undefined) return;
  const write = (change: Partial<JobRecord>, entry?: Omit<HistoryEntry, 'fence' | 'at'>) => {
    const next = { ...record, ...change };
    const history = entry ? withHistory(next, entry) : next.history;
    node.pending[jobKey(name)] = { revision: known.revision, sentAt: now };
    if (change.holder?.node === node.name) node.holdings.expect(next);
    effects.push({ do: 'write-job', record: { ...next, history }, revision: known.revision });
  };
  const mayWrite = node.pending[jobKey(name)] === undefined;
  if (isMine) hold(node, record, known.revision, now, mayWrite ? write : undefined, effects);
  else if (mayWrite) mayTake(node, record, now, write);
}

type Write = (change: Partial<JobRecord>, entry?: Omit<HistoryEntry, 'fence' | 'at'>) => void;

/** The holder that this node is; none before it has joined. */
function ownLife({ name, incarnation }: NodeState) {
  return incarnation === 0 ? null : { node: name, incarnation };
}

/** A program whose job has changed hands ends. It does not matter how long ago that was. */
function endStale(
  node: NodeState,
  name: string,
  own: JobRecord | undefined,
  record: JobRecord | undefined,
  effects: Effect[],
): void {
  const program = node.programs[name];
  if (program === undefined || program.state === 'ending' || own?.fence === program.fence) return;
  const { move, fence } = program;
  if (move !== undefined && record !== undefined && wasHandedOver(record, fence, move)) {
    effects.push({ do: 'commit', job: name, id: move.id });
  } else {
    effects.push({ do: 'end', job: name, fence });
  }
  program.state = 'ending';
}

function wasHandedOver(record: JobRecord, fence: number, { to, id }: Move): boolean {
  return record.fence === fence + 1 && isSameHolder(record.holder, to) && record.arrival === id;
}

function hold(
  node: NodeState,
  record: JobRecord,
  revision: number,
  now: number,
  write: Write | undefined,
  effects: Effect[],
): void {
  const { name } = record;
  const program = node.programs[name];
  const ended = node.ends[name];
  if (program !== undefined && program.state === 'ending') return;
  if (ended !== undefined) {
    write?.(...afterEnd(node, record, ended));
  } else if (record.desired === 'stop') {
    if (program === undefined)
      write?.({ holder: null, end: STOPPED }, { what: 'stopped', node: node.name, note: null });
    else end(program, name, effects);
  } else if (node.leaving === 'drop') {
    if (program !== undefined) end(program, name, effects);
  } else if (program === undefined) {
    const unable = node.unable[name];
    if (unable?.fence === record.fence) {
      write?.({ holder: null, arrival: null }, { what: 'not-started', node: node.name, note: unable.why });
    } else if (node.leaving)
      write?.({ holder: null, arrival: null }, { what: 'moved', node: node.name, note: 'given back' });
    else begin(node, record, now, effects);
  } else {
    if (program.snapshot?.reference === record.snapshot?.reference) delete program.snapshot;
    if (program.unsent !== undefined && record.to === null && now - program.unsent.at >= node.timing.lease) {
      delete program.unsent;
    }
    giveAway(node, record, revision, program, now, write, effects);
  }
}

const STOPPED = { code: null, signal: null, problem: null };

/** What a user who stops a job makes of its record. What nobody has is over at once: perhaps no node is there. */
export function stopped(job: JobRecord, nodes: readonly NodeRecord[]): JobRecord {
  const { holder, end } = job;
  if (end !== null) return job;
  const isFree = holder === null || nodes.some((node) => node.name === holder.node && endsLife(node, holder));
  if (!isFree) return { ...job, desired: 'stop' };
  const over: JobRecord = { ...job, desired: 'stop', holder: null, end: STOPPED };
  return { ...over, history: withHistory(over, { what: 'stopped', node: null, note: null }) };
}

function end(program: Program, job: string, effects: Effect[]): void {
  program.state = 'ending';
  effects.push({ do: 'end', job, fence: program.fence });
}

function afterEnd(node: NodeState, record: JobRecord, { end, hasRunLong }: Ended): Parameters<Write> {
  const { restart } = record.spec;
  const hasFailed = end.code !== 0;
  const note = end.problem ?? (end.signal ? `signal ${end.signal}` : `exit code ${end.code}`);
  if (record.desired === 'run' && (restart === 'always' || (restart === 'on-failure' && hasFailed))) {
    const change = {
      holder: null,
      snapshot: null,
      uncaptured: null,
      arrival: null,
      restarts: hasRunLong ? 1 : record.restarts + 1,
    };
    return [change, { what: 'restarted', node: node.name, note }];
  }
  return [
    { holder: null, end },
    { what: 'ended', node: node.name, note },
  ];
}

/** Starts it from its last durable snapshot, or lets begin what has arrived by the move that gave it to this node. */
function begin(node: NodeState, record: JobRecord, now: number, effects: Effect[]): void {
  const { name, fence } = record;
  const { incarnation } = node;
  if (!hasLease(node, now)) return;
  const id = node.arrivals[name];
  delete node.arrivals[name];
  node.programs[name] = { fence, state: 'starting' };
  if (id !== undefined && id === record.arrival) {
    effects.push({ do: 'begin', job: record, id, incarnation });
    return;
  }
  if (id !== undefined) effects.push({ do: 'refuse', job: name, id });
  effects.push({ do: 'start', job: record, incarnation });
}

function giveAway(
  node: NodeState,
  record: JobRecord,
  revision: number,
  program: Program,
  now: number,
  write: Write | undefined,
  effects: Effect[],
): void {
  const { move, snapshot } = program;
  switch (program.state) {
    case 'recalling':
      if (revision > (program.after ?? 0)) {
        program.state = 'running';
        effects.push({ do: 'resume', job: record.name, id: move?.id ?? '' });
      } else {
        write?.({ to: null, snapshot: snapshot ?? record.snapshot }, notMoved(node, program));
      }
      return;
    case 'parked':
      if (move !== undefined) write?.(...handOver(node, record, program, move, snapshot ?? record.snapshot));
      return;
    case 'running': {
      if (snapshot !== undefined) return write?.({ snapshot, uncaptured: null });
      if (program.uncaptured !== undefined && program.uncaptured !== record.uncaptured) {
        const note = program.uncaptured;
        return write?.({ uncaptured: note }, { what: 'not-captured', node: node.name, note });
      }
      if (program.unsent !== undefined) {
        if (record.to !== null) write?.({ to: null }, notMoved(node, program));
        return;
      }
      if (record.to === node.name) return write?.({ to: null });
      if (record.to !== null && node.nodes[record.to]?.record.fenced) {
        const note = `${record.to} has left, or was lost`;
        return write?.({ to: null }, { what: 'not-moved', node: node.name, note });
      }
      const to = destination(node, record, now);
      if (to === undefined || !hasLease(node, now)) return;
      program.move = { id: `${node.session}.${++node.moves}`, to };
      program.state = 'sending';
      effects.push({ do: 'send', job: record, move: program.move });
      return;
    }
    default:
      if (snapshot !== undefined) write?.({ snapshot, uncaptured: null });
  }
}

function notMoved(node: NodeState, program: Program) {
  return { what: 'not-moved', node: node.name, note: program.unsent?.why ?? null } as const;
}

function handOver(
  node: NodeState,
  record: JobRecord,
  { note = null }: Program,
  { id, to }: Move,
  snapshot: JobRecord['snapshot'],
): Parameters<Write> {
  if (to === null)
    return [
      { holder: null, snapshot, uncaptured: null, arrival: null },
      { what: 'moved', node: node.name, note: note === null ? 'given back' : `given back: ${note}` },
    ];
  const change = { holder: to, fence: record.fence + 1, arrival: id, to: null, snapshot, uncaptured: null };
  return [change, { what: 'moved', node: to.node, note }];
}

/** @returns undefined: it stays; null: anyone may take it */
function destination(node: NodeState, record: JobRecord, now: number): Move['to'] | undefined {
  const wanted = record.to === null ? undefined : node.nodes[record.to]?.record;
  if (wanted !== undefined) return { node: wanted.name, incarnation: wanted.incarnation };
  if (!node.leaving && !node.nodes[node.name]?.record.draining) return undefined;
  const best = bestOther(node, record, now);
  if (best !== undefined) return { node: best.name, incarnation: best.incarnation };
  return node.leaving ? null : undefined;
}

/** The longest pause before a job is started again, in milliseconds; a program that runs for longer has done well. */
export const LONGEST_PAUSE = 60_000;

/** A program that ends again and again is started less and less often. @returns milliseconds */
function restartDelay({ restarts, history }: JobRecord): number {
  return history.at(-1)?.what === 'restarted' ? Math.min(100 * 2 ** Math.min(restarts, 10), LONGEST_PAUSE) : 0;
}

/** A job that could not be started here is left to others, and tried again less and less often. @returns milliseconds */
function retryDelay({ tries }: Unable): number {
  return Math.min(500 * 2 ** Math.min(tries, 10), LONGEST_PAUSE);
}

/**
 * Writes under way with which a node takes no more jobs, until some are answered: others may be faster, and a node that
 * wrote hundreds at once would not hear of it.
 */
const WRITES = 16;

/** A job is free when nobody holds it, or who holds it is known never to run anything again. */
function mayTake(node: NodeState, record: JobRecord, now: number, write: Write): void {
  const known = node.jobs[record.name];
  if (record.end !== null) delete node.unable[record.name];
  if (record.end !== null || (record.holder !== null && !isOver(node, record.holder))) return;
  known.freeSince ??= now;
  if (!hasLease(node, now) || node.programs[record.name] !== undefined) return;
  if (record.desired === 'stop') {
    return write({ holder: null, end: STOPPED }, { what: 'stopped', node: node.name, note: null });
  }
  if (node.leaving) return;
  if (Object.keys(node.pending).length >= WRITES) {
    node.hasMore = true;
    return;
  }
  const unable = node.unable[record.name];
  if (unable !== undefined && now - unable.at < retryDelay(unable)) return;
  if (!isOnesTurn(node, record, now, now - known.freeSince - restartDelay(record))) return;
  const change = { holder: ownLife(node), fence: record.fence + 1, arrival: null, uncaptured: null };
  write(
    { ...change, to: record.to === node.name ? null : record.to },
    { what: 'taken', node: node.name, note: record.holder && `${record.holder.node} was lost` },
  );
}
