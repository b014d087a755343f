/**
 * Calls whose processes were captured and ended during the call. They wait here for the process that continues them, so
 * that no function runs twice for one call. Each import object has one journal.
 */

import type { Call, CallRequest } from './call.js';

/** A limit, as some processes are never continued. */
const KEPT = 10_000;

export class CallJournal {
  private readonly left = new Map<string, Call>();

  /** Keeps a call that its process has left in a snapshot. */
  keep(call: Call): void {
    const { session } = call.request;
    this.left.get(session)?.drop();
    this.left.delete(session);
    this.left.set(session, call);
    if (this.left.size <= KEPT) return;
    const [[oldest, forgotten]] = this.left;
    forgotten.drop();
    this.left.delete(oldest);
  }

  /** Takes out the call that another process continues. */
  take(request: CallRequest): Call | undefined {
    const call = this.left.get(request.session);
    if (call === undefined || !call.isSame(request)) return undefined;
    this.left.delete(request.session);
    return call;
  }
}

const journals = new WeakMap<object, CallJournal>();

export function journalOf(imports: object): CallJournal {
  let journal = journals.get(imports);
  if (journal === undefined) journals.set(imports, (journal = new CallJournal()));
  return journal;
}
