/**
 * The protocol of the lattice, as functions of what a node knows, an event, and its own clock. There is no network, no
 * process and no timer in it, so a test explores it (test/model/lattice-world.ts).
 *
 * What is decided follows from the state alone: an event that is lost, late or repeated delays a decision, and cannot
 * make a wrong one. All safety is in three places: the compare-and-swap of each write, the guard (guard.ts), and the
 * fencing of a node before its jobs are taken (membership.ts).
 */

import { decideJob } from './jobs.js';
import { decideMembership, isOver, observeNode, settle } from './membership.js';
import { Loads } from './placement.js';
import type { JobRecord } from './records.js';
import { type Effect, type Event, jobKey, type NodeState, type Program } from './state.js';

/**
 * Changes the node's state by an event. @param now by the node's own clock, which never goes back
 * @returns what is to be done, in this order
 */
export function step(node: NodeState, event: Event, now: number): Effect[] {
  const effects: Effect[] = [];
  observe(node, event, now, effects);
  for (const [key, { sentAt }] of Object.entries(node.pending)) {
    if (now - sentAt >= node.timing.answer) delete node.pending[key];
  }
  decideMembership(node, now, effects);
  let loads: Loads | undefined;
  const allLoads = () => {
    loads ??= new Loads(Object.values(node.jobs).map(({ record }) => record));
    return loads;
  };
  for (const name of jobsToDecide(node, event)) decideJob(node, name, now, effects, allLoads);
  return effects;
}

/** An event about one job changes only decisions about that job. */
function jobsToDecide(node: NodeState, event: Event): Iterable<string> {
  if (event.kind === 'job') return [event.record.name];
  if ('job' in event) return [event.job];
  return new Set([...Object.keys(node.jobs), ...Object.keys(node.programs)]);
}

function observe(node: NodeState, event: Event, now: number, effects: Effect[]): void {
  switch (event.kind) {
    case 'tick':
      return;
    case 'up-to-date':
      node.isUpToDate = true;
      return;
    case 'leave':
      node.leaving = event.how;
      return;
    case 'node':
      return observeNode(node, event.record, event.revision, now, effects);
    case 'job':
      return observeJob(node, event.record, event.revision);
    case 'gone':
      if (event.revision > (node.jobs[event.job]?.revision ?? 0)) {
        delete node.jobs[event.job];
        delete node.unable[event.job];
      }
      settle(node, jobKey(event.job), event.revision);
      return;
    case 'arrived':
      node.arrivals[event.job] = event.id;
      return;
    case 'arrival-lost':
      if (node.arrivals[event.job] === event.id) delete node.arrivals[event.job];
      return;
    default:
      return observeProgram(node, event, now);
  }
}

function observeJob(node: NodeState, record: JobRecord, revision: number): void {
  if (revision <= (node.jobs[record.name]?.revision ?? 0)) return;
  node.jobs[record.name] = { record, revision };
  settle(node, jobKey(record.name), revision);
}

type ProgramEvent = Extract<Event, { kind: 'running' | 'captured' | 'not-started' | 'ended' | 'parked' | 'not-sent' }>;

function observeProgram(node: NodeState, event: ProgramEvent, now: number): void {
  const program = node.programs[event.job];
  if (program === undefined || !concerns(event, program)) return;
  switch (event.kind) {
    case 'running':
      if (program.state === 'starting') program.state = 'running';
      delete node.unable[event.job];
      return;
    case 'captured':
      program.snapshot = event.snapshot;
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
        node.ends[event.job] = { fence: program.fence, end: event.end };
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
