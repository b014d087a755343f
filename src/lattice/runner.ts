/** What runs programs for a node. The library has one for real programs; a simulation may have another. */

import type { JobRecord, NodeRecord } from './records.js';
import type { Event, Move } from './state.js';

/** Everything returns at once; what becomes of it is reported by events. Calls about one job are carried out in order. */
export interface Runner {
  /** Passes the lease's end to the guard. */
  lease(incarnation: number, until: number): void;
  start(job: JobRecord, incarnation: number): void;
  begin(job: JobRecord, id: string, incarnation: number): void;
  end(job: string, fence: number): void;
  send(job: JobRecord, move: Move): void;
  commit(job: string, id: string): void;
  resume(job: string, id: string): void;
  refuse(job: string, id: string): void;
  /** Told of each job's record that has changed. */
  noticed(job: JobRecord): void;
  /** Told of each record of a node. */
  heard(node: NodeRecord): void;
}

export type Report = (event: Event) => void;
