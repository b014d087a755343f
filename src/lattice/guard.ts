/**
 * The guard: what keeps programs within their node's lease, whatever becomes of the node's own process. It is a process
 * of its own, so it also acts while the node stands still, and its decisions are these functions.
 *
 * A program runs only while the lease of its own incarnation lasts. It is parked at the lease's end, before others may
 * take its job, and continues when the same incarnation has renewed the lease. Those of an earlier incarnation are ended.
 */

export interface GuardState {
  /** Whose lease it is; 0 before the first. */
  incarnation: number;
  /** The end of the lease by this machine's clock. */
  until: number;
}

export function newGuard(): GuardState {
  return { incarnation: 0, until: 0 };
}

/** A lease was renewed, or another incarnation has begun. Messages of the past change nothing. */
export function extend(guard: GuardState, incarnation: number, until: number): void {
  if (incarnation < guard.incarnation) return;
  if (incarnation > guard.incarnation) guard.until = until;
  guard.until = Math.max(guard.until, until);
  guard.incarnation = incarnation;
}

/** What a program of an incarnation has to do now. */
export function verdict(guard: GuardState, incarnation: number, now: number): 'run' | 'park' | 'end' {
  if (incarnation < guard.incarnation) return 'end';
  if (incarnation > guard.incarnation) return 'park';
  return now < guard.until ? 'run' : 'park';
}
