/** What a node knows and does: its view of the records, its writes under way, its programs. */

import { Holdings } from './holdings.js';
import type { DurableSnapshot, Holder, JobEnd, JobRecord, NodeOffer, NodeRecord } from './records.js';

/** Milliseconds, but for the factors. */
export interface Timing {
  readonly lease: number;
  /** The time between two renewals. */
  readonly renew: number;
  /** How long an answer to a write is waited for before it is sent again. */
  readonly answer: number;
  /** How long a node waits for each better one to take a job. */
  readonly turn: number;
  /** How much longer, for each job that it has more for each of its CPUs. */
  readonly busier: number;
  /** The share of its own lease after which a node parks. */
  readonly early: number;
  /** The lengths of a lease for which another node's record must not have changed before that node is fenced. */
  readonly margin: number;
}

/** Clocks may differ by 10 %. */
export const CLOCK_RATIO = 1.1;

/** Sound if early * CLOCK_RATIO <= margin; the rest is for timers that are late. */
export function timingOf(lease: number): Timing {
  return { lease, renew: lease / 4, answer: lease / 4, turn: 50, busier: lease / 50, early: 0.9, margin: 1.2 };
}

export interface KnownNode {
  readonly record: NodeRecord;
  readonly revision: number;
  /** When its last sign of life was seen, by the own clock. */
  readonly since: number;
}

export interface KnownJob {
  readonly record: JobRecord;
  readonly revision: number;
  /** Since when it has been seen without a holder, by the own clock. */
  freeSince?: number;
}

export interface Move {
  readonly id: string;
  /** Null: the job is given back, for anyone to take. */
  readonly to: Holder | null;
}

export type ProgramState =
  /** Asked for; it may run at any moment. */
  | 'starting'
  | 'running'
  /** Its pages are sent to another node while it runs. */
  | 'sending'
  /** It stands still, and the other node has all of it. */
  | 'parked'
  /** As parked, and it shall continue here if it was not handed over meanwhile. */
  | 'recalling'
  /** Its end was asked for. */
  | 'ending';

export interface Program {
  readonly fence: number;
  state: ProgramState;
  move?: Move;
  /** A snapshot that is durable, and not in the record yet. */
  snapshot?: DurableSnapshot;
  /** Why the last capture has failed. */
  uncaptured?: string;
  /** While recalling: only a later revision says that it was not handed over. */
  after?: number;
  /** How it was sent to another node, for people. */
  note?: string | null;
  /** Since when it has been running here, by the own clock. */
  since?: number;
  /** The last move has failed. */
  unsent?: { readonly why: string; readonly at: number };
}

/** A job that could not be started here, the last time. */
export interface Unable {
  readonly fence: number;
  readonly why: string;
  /** By the own clock. */
  readonly at: number;
  /** How often, one after the other. */
  readonly tries: number;
}

/** The end of a program that is not in the record yet. */
export interface Ended {
  readonly fence: number;
  readonly end: JobEnd;
  /** For so long that earlier restarts do not count any more. */
  readonly hasRunLong: boolean;
}

export interface NodeState {
  readonly name: string;
  readonly session: string;
  readonly timing: Timing;
  readonly offer: NodeOffer;
  readonly receiver: NodeRecord['receiver'];
  /** The present life; 0 before it has joined. */
  incarnation: number;
  /** The end of the own lease. */
  until: number;
  renewal: number;
  renewedAt: number;
  /** A revision that is higher than the incarnation of any record that was deleted. */
  floor: number;
  /** Whether it knows of a record of its own name, if there is one. */
  isUpToDate: boolean;
  /** When each renewal under way was sent. */
  sent: Record<number, number>;
  /** `give`: what it has goes to other nodes first. `drop`: others take it from its last durable snapshot. */
  leaving: false | 'give' | 'drop';
  moves: number;
  nodes: Record<string, KnownNode>;
  jobs: Record<string, KnownJob>;
  /** Jobs whose records were deleted, by which revision: what has an earlier one is late. */
  removed: Record<string, number>;
  /** Who holds them; one that is being taken counts as this node's. */
  holdings: Holdings;
  /** Writes under way, by key. */
  pending: Record<string, { readonly revision: number; readonly sentAt: number }>;
  /** There were free jobs that it did not look at, because of them. */
  hasMore: boolean;
  programs: Record<string, Program>;
  /** Programs from other nodes that have not begun, by job: the move's id. */
  arrivals: Record<string, string>;
  /** Jobs that it could not start, until it can. */
  unable: Record<string, Unable>;
  ends: Record<string, Ended>;
}

export type Event =
  | { readonly kind: 'tick' }
  /** A record as the server has it now, or had it a while ago. */
  | { readonly kind: 'node'; readonly record: NodeRecord; readonly revision: number }
  | { readonly kind: 'job'; readonly record: JobRecord; readonly revision: number }
  /** A job's record was deleted. */
  | { readonly kind: 'gone'; readonly job: string; readonly revision: number }
  /** A node's record was deleted, after its life was over. */
  | { readonly kind: 'node-gone'; readonly node: string; readonly revision: number }
  /** What is known of the own name has been reported. `revision`: the last one that the server had given then. */
  | { readonly kind: 'up-to-date'; readonly revision?: number }
  | { readonly kind: 'running'; readonly job: string; readonly fence: number }
  /** Durable, so that another node can continue with it. */
  | { readonly kind: 'captured'; readonly job: string; readonly fence: number; readonly snapshot: DurableSnapshot }
  /** The last capture has failed. */
  | { readonly kind: 'not-captured'; readonly job: string; readonly fence: number; readonly why: string }
  /** It could not be started here, which says nothing about other nodes, or later. */
  | { readonly kind: 'not-started'; readonly job: string; readonly fence: number; readonly why: string }
  /** The program is no more. `end` says how it ended by itself. */
  | { readonly kind: 'ended'; readonly job: string; readonly fence: number; readonly end: JobEnd | null }
  /** It stands still, and the target has it: as a program, or as a snapshot. */
  | {
      readonly kind: 'parked';
      readonly job: string;
      readonly id: string;
      readonly snapshot: DurableSnapshot | null;
      /** How it was sent, for people. */
      readonly note: string | null;
    }
  /** A move has failed; the program runs, or is parked. */
  | { readonly kind: 'not-sent'; readonly job: string; readonly id: string; readonly why: string }
  /** A program of another node is here, and has not begun. */
  | { readonly kind: 'arrived'; readonly job: string; readonly id: string }
  | { readonly kind: 'arrival-lost'; readonly job: string; readonly id: string }
  | { readonly kind: 'leave'; readonly how: 'give' | 'drop' };

export type Effect =
  /** A compare-and-swap; revision 0: there must not be such a record. */
  | { readonly do: 'write-node'; readonly record: NodeRecord; readonly revision: number }
  | { readonly do: 'write-job'; readonly record: JobRecord; readonly revision: number }
  /** To the guard, before everything that follows. */
  | { readonly do: 'lease'; readonly incarnation: number; readonly until: number }
  | {
      readonly do: 'start';
      readonly job: JobRecord;
      readonly incarnation: number;
    }
  /** Begins the program that has arrived. */
  | { readonly do: 'begin'; readonly job: JobRecord; readonly id: string; readonly incarnation: number }
  /** Ends the program of this fence without a trace. Its end is reported by 'ended'. */
  | { readonly do: 'end'; readonly job: string; readonly fence: number }
  | { readonly do: 'send'; readonly job: JobRecord; readonly move: Move }
  /** The job is the other node's: the program there may begin, the one here ends. */
  | { readonly do: 'commit'; readonly job: string; readonly id: string }
  /** A program that is parked for a move continues here. */
  | { readonly do: 'resume'; readonly job: string; readonly id: string }
  /** Ends a program that has arrived and is not wanted. */
  | { readonly do: 'refuse'; readonly job: string; readonly id: string };

export const nodeKey = (name: string) => `node.${name}`;
export const jobKey = (name: string) => `job.${name}`;

export type NodeIdentity = Pick<NodeState, 'name' | 'session' | 'timing' | 'offer' | 'receiver'>;

export function newNode(identity: NodeIdentity): NodeState {
  return {
    ...identity,
    incarnation: 0,
    until: 0,
    renewal: 0,
    renewedAt: 0,
    floor: 0,
    isUpToDate: false,
    sent: {},
    leaving: false,
    moves: 0,
    nodes: {},
    jobs: {},
    removed: {},
    holdings: new Holdings(),
    pending: {},
    hasMore: false,
    programs: {},
    arrivals: {},
    unable: {},
    ends: {},
  };
}
