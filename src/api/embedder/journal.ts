/**
 * Calls whose processes have been captured and ended in the middle of them, until a process that continues them comes:
 * so no function runs twice for one call. One journal for each import object of the embedder.
 */

import type { Call, CallRequest } from './call.js';

/** Processes that never come back are not waited for without end. */
const KEPT = 10_000;

export class CallJournal {
  private readonly left = new Map<string, Call>();

  /** The process of the call has left it in a snapshot. */
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

  /** The call that another process continues, which has it from now on. */
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
