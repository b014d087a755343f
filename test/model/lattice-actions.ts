/** What can happen next in the lattice's world: what nodes do, what users ask for, and what goes wrong. */

import { stopped } from '../../src/lattice/jobs.js';
import type { JobRecord, NodeRecord } from '../../src/lattice/records.js';
import { jobKey, nodeKey } from '../../src/lattice/state.js';
import {
  arrive,
  capture,
  carryOut,
  check,
  crash,
  exit,
  happen,
  isRunning,
  lose,
  pass,
  put,
  save,
  sees,
  start,
  tell,
} from './lattice-steps.js';
import { JOB, NAMES, type Rules, type World } from './lattice-world.js';

/** Something that can happen next. */
export interface Action {
  readonly name: string;
  /** Changes the world. @throws Violation */
  readonly act: (world: World, rules: Rules) => void;
  /** It is what somebody does as soon as possible when nothing goes wrong. */
  readonly isUsual: boolean;
}

/** Everything that can happen next. */
export function actionsOf(world: World, rules: Rules): Action[] {
  const actions: Action[] = [];
  const add = (name: string, isUsual: boolean, act: (world: World) => void) => {
    actions.push({
      name,
      isUsual,
      act: (next) => {
        act(next);
        check(next, rules);
      },
    });
  };
  for (const i of [0, 1] as const) {
    const name = NAMES[i];
    const { node, outbox, inbox, requests, process, isPaused, isCut, isDone } = world.actors[i];
    const isAwake = node !== undefined && !isPaused;
    if (isAwake && outbox.length > 0) add(`${name} does "${outbox[0]!.do}"`, true, (next) => carryOut(next, i, rules));
    if (isAwake && inbox.length > 0) {
      const event = inbox[0]!;
      add(`${name} notices "${event.kind}"`, true, (next) => {
        next.actors[i].inbox.shift();
        happen(next, i, event, rules);
      });
    }
    requests.forEach(({ key, isCopy }, at) => {
      if (isCut) return;
      if (isAwake) {
        add(`${name}'s write of ${key} arrives`, true, (next) => {
          arrive(next, i, at, rules, false);
          if (sees(next, i, key)) tell(next, i, key, rules);
        });
      }
      add(`${name}'s write of ${key} arrives, no answer`, false, (next) => arrive(next, i, at, rules, false));
      if (world.budget.copies > 0 && !isCopy) {
        add(`${name}'s write of ${key} arrives, and will again`, false, (next) => arrive(next, i, at, rules, true));
      }
    });
    if (isAwake) {
      for (const key in world.store) {
        if (!isCut && sees(world, i, key)) add(`${name} sees ${key}`, true, (next) => tell(next, i, key, rules));
      }
      if (!isDone) add(`${name} looks at its clock`, true, (next) => happen(next, i, { kind: 'tick' }, rules));
    }
    faults(world, i, rules, add);
    requestsOf(world, i, rules, add);
    if (process !== undefined && isRunning(world, i, rules)) {
      if (world.budget.captures > 0) add(`${name} captures`, false, (next) => capture(next, i));
      if (world.budget.exits > 0) add(`${name}'s program exits`, false, (next) => exit(next, i));
    }
  }
  moveActions(world, rules, add);
  add('time', false, (next) => pass(next, rules));
  return actions;
}

type Add = (name: string, isUsual: boolean, act: (world: World) => void) => void;

/** A pause and a cut end only as they began, by an action of their own. */
function faults(world: World, i: 0 | 1, rules: Rules, add: Add): void {
  const name = NAMES[i];
  const { node, isPaused, isCut, isGone } = world.actors[i];
  const toggle = (what: 'isPaused' | 'isCut') => (next: World) => {
    next.actors[i][what] = !next.actors[i][what];
  };
  if (isGone) return;
  if (node === undefined) return add(`${name} starts`, false, (next) => start(next, i, rules));
  if (world.budget.crashes > 0) add(`${name} crashes`, false, (next) => crash(next, i));
  if (world.budget.losses > 0) add(`${name} is lost`, false, (next) => lose(next, i));
  add(isPaused ? `${name} goes on` : `${name} stands still`, false, toggle('isPaused'));
  add(isCut ? `${name} is connected` : `${name} is cut off`, false, toggle('isCut'));
}

/** What is asked of a node. */
function requestsOf({ budget, store, actors }: World, i: 0 | 1, rules: Rules, add: Add): void {
  const name = NAMES[i];
  const key = nodeKey(name);
  const record = store[key]?.record as NodeRecord | undefined;
  if (budget.drains > 0 && record !== undefined && !record.fenced && !record.draining) {
    add(`a user drains ${name}`, false, (next) => {
      next.budget.drains--;
      put(next, key, { ...record, draining: true });
    });
  }
  const { node, isPaused } = actors[i];
  if (budget.leaves === 0 || node === undefined || isPaused || node.leaving) return;
  for (const how of ['give', 'drop'] as const) {
    add(`${name} is to leave: ${how}`, false, (next) => {
      next.budget.leaves--;
      happen(next, i, { kind: 'leave', how }, rules);
    });
  }
}

function moveActions(world: World, rules: Rules, add: Add): void {
  const { transfer, budget, actors } = world;
  const job = world.store[jobKey(JOB)]!.record as JobRecord;
  if (budget.moves > 0 && job.holder !== null && job.end === null) {
    const to = job.holder.node === 'a' ? 'b' : 'a';
    add(`a user asks for a move to ${to}`, false, (next) => {
      next.budget.moves--;
      put(next, jobKey(JOB), { ...job, to });
    });
  }
  if (budget.stops > 0 && job.end === null) {
    add('a user asks to stop it', false, (next) => {
      next.budget.stops--;
      const nodes = NAMES.flatMap((name) => (world.store[nodeKey(name)]?.record as NodeRecord | undefined) ?? []);
      put(next, jobKey(JOB), stopped(job, nodes));
    });
  }
  if (transfer === undefined) return;
  const { from, to, id, fence, incarnation, state } = transfer;
  const source = actors[from]!;
  const isThere = source.process?.fence === fence && source.node !== undefined;
  if (state === 'sending' && isThere && isRunning(world, from, rules)) {
    if (actors[to]!.node?.incarnation === incarnation) {
      add('the program arrives', true, (next) => {
        const { process, inbox } = next.actors[from]!;
        process!.parked = true;
        inbox.push({ kind: 'parked', job: JOB, id, snapshot: null, note: null });
        next.actors[to]!.held = { id, progress: process!.progress };
        next.actors[to]!.inbox.push({ kind: 'arrived', job: JOB, id });
        next.transfer = { ...transfer, state: 'prepared' };
      });
    }
    add('the program is sent as a snapshot', false, (next) => {
      const { process, inbox } = next.actors[from]!;
      process!.parked = true;
      const snapshot = save(next, process!);
      inbox.push({ kind: 'parked', job: JOB, id, snapshot, note: null });
      next.transfer = undefined;
    });
  }
  // of a node that is over the source is told (src/api/node-runner.ts)
  const isTargetOver = state === 'sending' && actors[to]!.node?.incarnation !== incarnation;
  if (isThere) {
    if (state !== 'half')
      add('the source loses the link', isTargetOver, (next) => {
        next.actors[from]!.inbox.push({ kind: 'not-sent', job: JOB, id, why: 'lost' });
        next.transfer = state === 'prepared' ? { ...transfer, state: 'half' } : undefined;
      });
  }
  if (state !== 'sending') {
    add('the target loses the link', state === 'half', (next) => {
      if (next.actors[to]!.held?.id === id) {
        next.actors[to]!.held = undefined;
        next.actors[to]!.inbox.push({ kind: 'arrival-lost', job: JOB, id });
      }
      next.transfer = undefined;
    });
  }
}
