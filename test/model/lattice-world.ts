/**
 * A small world for the lattice's protocol: two nodes and one job, a server that keeps records, and a network that
 * delays, loses and repeats. What nodes decide is src/lattice itself.
 *
 * Each action may wait for any time while time passes, so a node may stand still at any step, and any message may be
 * late, or never arrive. A node's programs run on while it stands still, until its guard parks them. The answer to a
 * write is the same as the news of the record.
 */

import { extend, type GuardState, newGuard, verdict } from '../../src/lattice/guard.js';
import { step } from '../../src/lattice/protocol.js';
import type { JobRecord, JobSpec, NodeOffer, NodeRecord } from '../../src/lattice/records.js';
import {
  type Effect,
  type Event,
  jobKey,
  type NodeState,
  newNode,
  nodeKey,
  type Timing,
} from '../../src/lattice/state.js';

export const JOB = 'j';
export const NAMES = ['a', 'b'] as const;

/** What a mutant changes. */
export interface Rules {
  readonly timing: Timing;
  /** How far the clock of each node goes in one unit of time. */
  readonly rates: readonly [number, number];
  readonly step: typeof step;
  readonly verdict: typeof verdict;
  /** Whether the server compares revisions. */
  readonly compares: boolean;
  readonly begins: 'with its id' | 'with any id';
}

/** A lease of three to four units, and the least margin that clocks 10 % apart allow. */
export const TIMING: Timing = { lease: 330, renew: 110, answer: 110, turn: 0, busier: 0, early: 1, margin: 1.1 };
export const RULES: Rules = {
  timing: TIMING,
  rates: [100, 110],
  step,
  verdict,
  compares: true,
  begins: 'with its id',
};

type AnyRecord = NodeRecord | JobRecord;

interface Stored {
  readonly record: AnyRecord;
  readonly revision: number;
}

/** A process. `progress` is what it has computed: a number that grows with each snapshot. */
interface Process {
  readonly fence: number;
  readonly incarnation: number;
  progress: number;
  /** It stands still for a move. */
  parked: boolean;
}

interface Actor {
  /** None: it has crashed. */
  node: NodeState | undefined;
  lives: number;
  guard: GuardState;
  process: Process | undefined;
  /** A program from the other node, not begun. */
  held: { readonly id: string; readonly progress: number } | undefined;
  /** Decided, and not done yet. */
  outbox: Effect[];
  /** Of its own programs, not yet noticed. */
  inbox: Event[];
  /** It has made its decisions for the present time. */
  isDone: boolean;
  /** Its process stands still; its programs and its guard do not. */
  isPaused: boolean;
  /** Nothing comes from the server, and nothing gets there. */
  isCut: boolean;
  /** Writes on their way to the server. */
  requests: {
    readonly key: string;
    readonly record: AnyRecord;
    readonly revision: number;
    readonly isCopy?: boolean;
  }[];
}

/** How often each of these may still happen. */
export interface Budget {
  crashes: number;
  captures: number;
  copies: number;
  exits: number;
  /** A user asks for a move to the other node, or to stop. */
  moves: number;
  stops: number;
}

export interface World {
  clocks: [number, number];
  /** The newest of each key. Who has not seen it may do so at any later time, or see what replaces it. */
  store: Record<string, Stored>;
  actors: [Actor, Actor];
  /** A program on its way from one node to the other. */
  transfer:
    | { readonly id: string; readonly from: number; readonly to: number; readonly incarnation: number; state: string }
    | undefined;
  budget: Budget;
}

export class Violation extends Error {}

const OFFER: NodeOffer = { arch: ['x64'], cpus: 1, memory: 0, labels: {}, store: true, dirs: [], listen: {} };
const SPEC: JobSpec = {
  module: 'sha256:0',
  args: [],
  env: {},
  arch: null,
  labels: {},
  memory: null,
  dirs: [],
  listen: [],
  snapshotEvery: null,
  restart: 'never',
};

export function newWorld(budget: Partial<Budget> = {}): World {
  const job: JobRecord = {
    name: JOB,
    group: JOB,
    spec: SPEC,
    desired: 'run',
    fence: 0,
    begun: 0,
    holder: null,
    to: null,
    arrival: null,
    snapshot: null,
    uncaptured: null,
    end: null,
    restarts: 0,
    history: [],
  };
  return {
    clocks: [1000, 1000],
    store: { [jobKey(JOB)]: { record: job, revision: 1 } },
    actors: [newActor(), newActor()],
    transfer: undefined,
    budget: { crashes: 0, captures: 0, copies: 0, exits: 0, moves: 0, stops: 0, ...budget },
  };
}

function newActor(): Actor {
  const quiet = { node: undefined, process: undefined, held: undefined };
  return {
    ...quiet,
    lives: 0,
    guard: newGuard(),
    outbox: [],
    inbox: [],
    isDone: false,
    isPaused: false,
    isCut: false,
    requests: [],
  };
}

export function cloneWorld(world: World): World {
  return {
    clocks: [...world.clocks],
    store: { ...world.store },
    actors: [cloneActor(world.actors[0]), cloneActor(world.actors[1])],
    transfer: world.transfer && { ...world.transfer },
    budget: { ...world.budget },
  };
}

function cloneActor(actor: Actor): Actor {
  const { node, process } = actor;
  return {
    ...actor,
    node: node && {
      ...node,
      sent: { ...node.sent },
      nodes: { ...node.nodes },
      jobs: mapValues(node.jobs, (job) => ({ ...job })),
      holdings: node.holdings.copy(),
      pending: { ...node.pending },
      programs: mapValues(node.programs, (program) => ({ ...program })),
      arrivals: { ...node.arrivals },
      unable: { ...node.unable },
      ends: { ...node.ends },
    },
    guard: { ...actor.guard },
    process: process && { ...process },
    outbox: [...actor.outbox],
    inbox: [...actor.inbox],
    requests: [...actor.requests],
  };
}

function mapValues<T, U>(all: Record<string, T>, change: (value: T) => U): Record<string, U> {
  const changed: Record<string, U> = {};
  for (const key in all) changed[key] = change(all[key]!);
  return changed;
}

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
  const { node, isPaused, isCut } = world.actors[i];
  const toggle = (what: 'isPaused' | 'isCut') => (next: World) => {
    next.actors[i][what] = !next.actors[i][what];
  };
  if (node === undefined) return add(`${name} starts`, false, (next) => start(next, i, rules));
  if (world.budget.crashes > 0) add(`${name} crashes`, false, (next) => crash(next, i));
  add(isPaused ? `${name} goes on` : `${name} stands still`, false, toggle('isPaused'));
  add(isCut ? `${name} is connected` : `${name} is cut off`, false, toggle('isCut'));
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
      put(next, jobKey(JOB), { ...job, desired: 'stop' });
    });
  }
  if (transfer === undefined) return;
  const { from, to, id, incarnation, state } = transfer;
  const source = actors[from]!;
  const isThere = source.process !== undefined && source.node !== undefined;
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
      const snapshot = { reference: String(++process!.progress), fence: process!.fence };
      inbox.push({ kind: 'parked', job: JOB, id, snapshot, note: null });
      next.transfer = undefined;
    });
  }
  if (isThere) {
    if (state !== 'half')
      add('the source loses the link', state === 'half', (next) => {
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

/** Time passes, for programs and guards, and whoever else does something meanwhile has its own action. */
export function pass(world: World, { rates }: Rules): void {
  world.clocks[0] += rates[0];
  world.clocks[1] += rates[1];
  for (const actor of world.actors) actor.isDone = false;
}

export function isRunning(world: World, i: number, rules: Rules): boolean {
  const { process, guard } = world.actors[i]!;
  if (process === undefined || process.parked) return false;
  return rules.verdict(guard, process.incarnation, world.clocks[i]!) === 'run';
}

function start(world: World, i: 0 | 1, { timing }: Rules): void {
  const actor = world.actors[i];
  const session = `${NAMES[i]}${++actor.lives}`;
  actor.node = { ...newNode({ name: NAMES[i], session, timing, offer: OFFER, receiver: null }), isUpToDate: true };
  actor.isDone = false;
}

/** The guard notices, and ends what runs. Writes may still be under way. */
function crash(world: World, i: 0 | 1): void {
  world.budget.crashes--;
  const { requests, lives } = world.actors[i];
  world.actors[i] = { ...newActor(), requests, lives };
}

function happen(world: World, i: 0 | 1, event: Event, rules: Rules): void {
  const actor = world.actors[i];
  const now = world.clocks[i];
  actor.isDone = true;
  for (const effect of rules.step(actor.node!, event, now)) {
    switch (effect.do) {
      case 'write-node':
        send(actor, nodeKey(effect.record.name), effect.record, effect.revision);
        break;
      case 'write-job':
        send(actor, jobKey(effect.record.name), effect.record, effect.revision);
        break;
      case 'lease':
        extend(actor.guard, effect.incarnation, effect.until);
        if (actor.process && rules.verdict(actor.guard, actor.process.incarnation, now) === 'end') kill(actor);
        break;
      default:
        actor.outbox.push(effect);
    }
  }
}

/** At most two writes of a key are on their way: an older one is lost. */
function send(actor: Actor, key: string, record: AnyRecord, revision: number): void {
  const same = actor.requests.filter((request) => request.key === key);
  if (same.length > 1) actor.requests.splice(actor.requests.indexOf(same[0]!), 1);
  actor.requests.push({ key, record, revision });
}

function kill(actor: Actor): void {
  const { process } = actor;
  if (process === undefined) return;
  actor.process = undefined;
  actor.inbox.push({ kind: 'ended', job: JOB, fence: process.fence, end: null });
}

function carryOut(world: World, i: 0 | 1, rules: Rules): void {
  const actor = world.actors[i];
  const effect = actor.outbox.shift()!;
  switch (effect.do) {
    case 'start':
    case 'begin': {
      const { job, incarnation } = effect;
      const { held } = actor;
      let progress = Number(job.snapshot?.reference ?? 0);
      if (effect.do === 'begin') {
        actor.held = undefined;
        if (held === undefined || (held.id !== effect.id && rules.begins === 'with its id')) {
          actor.inbox.push({ kind: 'ended', job: JOB, fence: job.fence, end: null });
          return;
        }
        progress = held.progress;
      }
      if (actor.process !== undefined) throw new Violation('a node has started the program twice');
      if (progress < Number(job.snapshot?.reference ?? 0)) throw new Violation('it begins before its snapshot');
      actor.process = { fence: job.fence, incarnation, progress, parked: false };
      if (rules.verdict(actor.guard, incarnation, world.clocks[i]) === 'end') kill(actor);
      else actor.inbox.push({ kind: 'running', job: JOB, fence: job.fence });
      return;
    }
    case 'end':
      if (actor.process?.fence === effect.fence) kill(actor);
      else actor.inbox.push({ kind: 'ended', job: JOB, fence: effect.fence, end: null });
      return;
    case 'commit':
      kill(actor);
      return;
    case 'resume':
      if (actor.process) actor.process.parked = false;
      return;
    case 'refuse':
      if (actor.held?.id === effect.id) actor.held = undefined;
      return;
    case 'send': {
      const { to, id } = effect.move;
      if (to === null) return;
      world.transfer = {
        id,
        from: i,
        to: NAMES.indexOf(to.node as 'a'),
        incarnation: to.incarnation,
        state: 'sending',
      };
    }
  }
}

/** A write reaches the server. */
function arrive(world: World, i: 0 | 1, at: number, rules: Rules, repeats: boolean): void {
  const { requests } = world.actors[i];
  const request = requests[at]!;
  if (repeats) {
    world.budget.copies--;
    requests[at] = { ...request, isCopy: true };
  } else {
    requests.splice(at, 1);
  }
  const latest = world.store[request.key]?.revision ?? 0;
  if (rules.compares && request.revision !== latest) return;
  put(world, request.key, request.record);
}

function put(world: World, key: string, record: AnyRecord): void {
  const before = world.store[key];
  if (key === jobKey(JOB) && before !== undefined) checkChange(before.record as JobRecord, record as JobRecord);
  world.store[key] = { record, revision: (before?.revision ?? 0) + 1 };
}

function checkChange(before: JobRecord, after: JobRecord): void {
  if (after.fence < before.fence) throw new Violation('a fence number has become smaller');
  const isOther = after.holder !== null && JSON.stringify(after.holder) !== JSON.stringify(before.holder);
  if (isOther && after.fence === before.fence) throw new Violation('a holder has the fence number of another one');
  if (Number(after.snapshot?.reference ?? 0) < Number(before.snapshot?.reference ?? 0)) {
    throw new Violation('an acknowledged snapshot was lost');
  }
  if (before.end !== null && after.end === null) throw new Violation('a job that was over has begun again');
}

/** Whether there is something of a key that a node has not seen. */
function sees(world: World, i: 0 | 1, key: string): boolean {
  const { node } = world.actors[i];
  const known = node?.nodes[key.slice('node.'.length)] ?? node?.jobs[key.slice('job.'.length)];
  return world.store[key]!.revision > (known?.revision ?? 0);
}

function tell(world: World, i: 0 | 1, key: string, rules: Rules): void {
  const { record, revision } = world.store[key]!;
  happen(world, i, 'session' in record ? { kind: 'node', record, revision } : { kind: 'job', record, revision }, rules);
}

function capture(world: World, i: 0 | 1): void {
  world.budget.captures--;
  const { process, inbox } = world.actors[i];
  const snapshot = { reference: String(++process!.progress), fence: process!.fence };
  inbox.push({ kind: 'captured', job: JOB, fence: process!.fence, snapshot });
}

function exit(world: World, i: 0 | 1): void {
  world.budget.exits--;
  const actor = world.actors[i];
  const { fence } = actor.process!;
  actor.process = undefined;
  actor.inbox.push({ kind: 'ended', job: JOB, fence, end: { code: 0, signal: null, problem: null } });
}

/** @throws Violation */
function check(world: World, rules: Rules): void {
  if (isRunning(world, 0, rules) && isRunning(world, 1, rules)) throw new Violation('the job runs twice');
  const job = world.store[jobKey(JOB)]!.record as JobRecord;
  for (const i of [0, 1]) {
    const { process } = world.actors[i]!;
    if (process === undefined || process.fence !== job.fence || !isRunning(world, i, rules)) continue;
    if (process.progress < Number(job.snapshot?.reference ?? 0))
      throw new Violation('it runs from before its snapshot');
  }
}
