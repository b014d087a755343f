/**
 * A small world for the lattice's protocol: two nodes and one job, a server that keeps records, and a network that
 * delays, loses and repeats. What nodes decide is src/lattice itself.
 *
 * Each action may wait for any time while time passes, so a node may stand still at any step, and any message may be
 * late, or never arrive. A node's programs run on while it stands still, until its guard parks them. The answer to a
 * write is the same as the news of the record.
 */

import { type GuardState, newGuard, verdict } from '../../src/lattice/guard.js';
import { step } from '../../src/lattice/protocol.js';
import type { JobRecord, NodeOffer, NodeRecord } from '../../src/lattice/records.js';
import { type Effect, type Event, jobKey, type NodeState, type Timing } from '../../src/lattice/state.js';
import { spec } from '../support/job-spec.js';

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
  /** Which snapshots are removed when it is known which one is in the record, of those that are there. */
  readonly old: (all: readonly number[], recorded: number) => readonly number[];
}

/** A lease of three to four units, and the least margin that clocks 10 % apart allow. */
export const TIMING: Timing = { lease: 330, renew: 110, answer: 110, turn: 0, busier: 0, early: 1, margin: 1.1 };
export const RULES: Rules = {
  timing: TIMING,
  rates: [100, 110],
  step,
  verdict,
  compares: true,
  old: (all, recorded) => all.filter((one) => one < recorded),
};

export type AnyRecord = NodeRecord | JobRecord;

interface Stored {
  readonly record: AnyRecord;
  readonly revision: number;
}

/** A process. `progress` is what it has computed: a number that grows with each snapshot. */
export interface Process {
  readonly fence: number;
  readonly incarnation: number;
  progress: number;
  /** It stands still for a move. */
  parked: boolean;
}

export interface Actor {
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
  /** It will never come back. */
  isGone: boolean;
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
  /** A user drains a node; a node is told to leave; one crashes for ever. */
  drains: number;
  leaves: number;
  losses: number;
}

export interface World {
  clocks: [number, number];
  /** The newest of each key. Who has not seen it may do so at any later time, or see what replaces it. */
  store: Record<string, Stored>;
  actors: [Actor, Actor];
  /** The job's snapshots that are there, by what had been computed. */
  snapshots: readonly number[];
  /** A program on its way from one node to the other. */
  transfer:
    | {
        readonly id: string;
        readonly from: number;
        readonly to: number;
        /** Of the program, and of the node that it is sent to. */
        readonly fence: number;
        readonly incarnation: number;
        readonly state: 'sending' | 'prepared' | 'half';
      }
    | undefined;
  budget: Budget;
}

export class Violation extends Error {}

export const OFFER: NodeOffer = { arch: ['x64'], cpus: 1, memory: 0, labels: {}, store: true, dirs: [], listen: {} };

export function newWorld(budget: Partial<Budget> = {}): World {
  const job: JobRecord = {
    name: JOB,
    group: JOB,
    spec: spec,
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
    snapshots: [],
    transfer: undefined,
    budget: {
      crashes: 0,
      captures: 0,
      copies: 0,
      exits: 0,
      moves: 0,
      stops: 0,
      drains: 0,
      leaves: 0,
      losses: 0,
      ...budget,
    },
  };
}

export function newActor(): Actor {
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
    isGone: false,
    requests: [],
  };
}

export function cloneWorld(world: World): World {
  return {
    clocks: [...world.clocks],
    store: { ...world.store },
    actors: [cloneActor(world.actors[0]), cloneActor(world.actors[1])],
    snapshots: world.snapshots,
    transfer: world.transfer && { ...world.transfer },
    budget: { ...world.budget },
  };
}

/** Its node is shared: whoever changes that clones it. */
function cloneActor(actor: Actor): Actor {
  const { process } = actor;
  return {
    ...actor,
    guard: { ...actor.guard },
    process: process && { ...process },
    outbox: [...actor.outbox],
    inbox: [...actor.inbox],
    requests: [...actor.requests],
  };
}

export function cloneNode(node: NodeState): NodeState {
  return {
    ...node,
    sent: { ...node.sent },
    nodes: { ...node.nodes },
    jobs: mapValues(node.jobs, (job) => ({ ...job })),
    removed: { ...node.removed },
    holdings: node.holdings.copy(),
    pending: { ...node.pending },
    programs: mapValues(node.programs, (program) => ({ ...program })),
    arrivals: { ...node.arrivals },
    unable: { ...node.unable },
    ends: { ...node.ends },
  };
}

function mapValues<T, U>(all: Record<string, T>, change: (value: T) => U): Record<string, U> {
  const changed: Record<string, U> = {};
  for (const key in all) changed[key] = change(all[key]!);
  return changed;
}
