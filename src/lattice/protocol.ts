/**
 * The protocol of the lattice, as functions of what a node knows, an event, and its own clock. There is no network, no
 * process and no timer in it, so a test explores it (test/model/lattice-world.ts).
 *
 * What is decided follows from the state alone: an event that is lost, late or repeated delays a decision, and cannot
 * make a wrong one. All safety is in three places: the compare-and-swap of each write, the guard (guard.ts), and the
 * fencing of a node before its jobs are taken (membership.ts).
 */

import { decideJob, LONGEST_PAUSE } from './jobs.js';
import { decideMembership, fenceSilent, forgetNode, isOver, observeNode, settle } from './membership.js';
import type { JobRecord } from './records.js';
import { type Effect, type Event, jobKey, type NodeState, type Program } from './state.js';

/**
 * Changes the node's state by an event. @param now by the node's own clock, which never goes back
 * @returns what is to be done, in this order
 */
export function step(node: NodeState, event: Event, now: number): Effect[] {
  const effects: Effect[] = [];
  const matters = observe(node, event, now, effects);
  forget(node, now);
  decideMembership(node, now, effects);
  if (event.kind === 'tick') fenceSilent(node, now, effects);
  if (matters) for (const name of jobsToDecide(node, event)) decideJob(node, name, now, effects);
  return effects;
}

/** A write that is not answered may not have been carried out. */
function forget(node: NodeState, now: number): void {
  for (const [key, { sentAt }] of Object.entries(node.pending)) {
    if (now - sentAt < node.timing.answer) continue;
    delete node.pending[key];
    if (!key.startsWith(JOB)) continue;
    const name = key.slice(JOB.length);
    node.holdings.set(name, node.jobs[name]?.record);
  }
}

const JOB = jobKey('');

/**
 * An event about one job changes only decisions about that job, and about those that were put off. Others are about the
 * node's own jobs, those that are free, and those of a life that is over: there is nothing to decide about one that
 * another node holds.
 */
function jobsToDecide(node: NodeState, event: Event): Iterable<string> {
  const one = event.kind === 'job' ? event.record.name : 'job' in event ? event.job : undefined;
  if (one !== undefined && !(node.hasMore && Object.keys(node.pending).length === 0)) return [one];
  node.hasMore = false;
  const names = new Set(Object.keys(node.programs));
  if (one !== undefined) names.add(one);
  for (const holder of node.holdings.holders()) {
    if (holder !== null && holder.node !== node.name && !isOver(node, holder)) continue;
    for (const name of node.holdings.of(holder)) names.add(name);
  }
  return names;
}

/** @returns false: it changes no decision about jobs */
function observe(node: NodeState, event: Event, now: number, effects: Effect[]): boolean {
  switch (event.kind) {
    case 'tick':
      break;
    case 'up-to-date':
      node.isUpToDate = true;
      node.floor = Math.max(node.floor, event.revision ?? 0);
      break;
    case 'leave':
      node.leaving = event.how;
      break;
    case 'node':
      return observeNode(node, event.record, event.revision, now, effects);
    case 'node-gone':
      forgetNode(node, event.node, event.revision);
      break;
    case 'job':
      observeJob(node, event.record, event.revision);
      break;
    case 'gone':
      if (event.revision > newestOf(node, event.job)) {
        delete node.jobs[event.job];
        node.removed[event.job] = event.revision;
        delete node.unable[event.job];
        node.holdings.set(event.job, undefined);
      }
      settle(node, jobKey(event.job), event.revision);
      break;
    case 'arrived':
      node.arrivals[event.job] = event.id;
      break;
    case 'arrival-lost':
      if (node.arrivals[event.job] === event.id) delete node.arrivals[event.job];
      break;
    default:
      observeProgram(node, event, now);
  }
  return true;
}

/** The revision of the last news of a job. */
function newestOf({ jobs, removed }: NodeState, job: string): number {
  return jobs[job]?.revision ?? removed[job] ?? 0;
}

function observeJob(node: NodeState, record: JobRecord, revision: number): void {
  if (revision <= newestOf(node, record.name)) return;
  delete node.removed[record.name];
  node.jobs[record.name] = { record, revision };
  node.holdings.set(record.name, record);
  settle(node, jobKey(record.name), revision);
}

type ProgramEvent = Extract<
  Event,
  { kind: 'running' | 'captured' | 'not-captured' | 'not-started' | 'ended' | 'parked' | 'not-sent' }
>;

function observeProgram(node: NodeState, event: ProgramEvent, now: number): void {
  const program = node.programs[event.job];
  if (program === undefined || !concerns(event, program)) return;
  switch (event.kind) {
    case 'running':
      if (program.state === 'starting') program.state = 'running';
      program.since = now;
      delete node.unable[event.job];
      return;
    case 'captured':
      program.snapshot = event.snapshot;
      delete program.uncaptured;
      return;
    case 'not-captured':
      program.uncaptured = event.why;
      return;
    case 'not-started': {
      const { fence, why, job } = event;
      delete node.programs[job];
      node.unable[job] = { fence, why, at: now, tries: (node.unable[job]?.tries ?? 0) + 1 };
      return;
    }
    case 'ended':
      delete node.programs[event.job];
      if (event.end !== null && program.state !== 'ending') {
        const hasRunLong = program.since !== undefined && now - program.since > LONGEST_PAUSE;
        node.ends[event.job] = { fence: program.fence, end: event.end, hasRunLong };
      }
      return;
    case 'parked':
      if (program.state !== 'sending') return;
      program.state = 'parked';
      program.note = event.note;
      if (event.snapshot !== null) program.snapshot = event.snapshot;
      else if (isLost(node, program)) recall(node, event.job, program, 'that node was lost meanwhile', now);
      return;
    case 'not-sent':
      if (program.state === 'parked') return recall(node, event.job, program, event.why, now);
      program.unsent = { why: event.why, at: now };
      if (program.state === 'sending') program.state = 'running';
      return;
  }
}

/** Whether the life that it is given to is over: nothing that it has would ever run. */
function isLost(node: NodeState, { move }: Program): boolean {
  return move !== undefined && move.to !== null && isOver(node, move.to);
}

/** It continues here, unless it was handed over already. */
function recall(node: NodeState, job: string, program: Program, why: string, now: number): void {
  program.unsent = { why, at: now };
  program.state = 'recalling';
  program.after = node.jobs[job]?.revision ?? 0;
}

function concerns(event: ProgramEvent, program: Program): boolean {
  return 'fence' in event ? event.fence === program.fence : event.id === program.move?.id;
}
