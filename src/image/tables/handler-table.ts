/**
 * The handler table: which code catches what is thrown at a call. It is collected while code is generated. In an image
 * it is part of the exception tables (compile/link/exception-tables.ts), where unwinding reads it
 * (runtime/process/unwind.ts). Columns of u32:
 *
 *     sites      return text offset, handler           for each call and throw inside a try, ascending
 *     handlers   parent handler, first clause          a try; what it does not catch goes to its parent
 *     clauses    tag, landing text offset, next        in the order in which they are tried
 *
 * NO_HANDLER ends chains of parents and of clauses. A tag is the image offset of its record, or 0 for any tag. Code
 * enters a landing with the frame's stack pointer and with the exception in the result register. A handler that
 * delegates has no clauses; its parent is tried next.
 */

import { NO_HANDLER } from '../contract/exception-tables.js';
import { Column } from './site-tables.js';

/** The rows of some functions, to be appended to a table. */
export interface HandlerRows {
  readonly sites: Uint32Array<ArrayBuffer>;
  readonly handlers: Uint32Array<ArrayBuffer>;
  readonly clauses: Uint32Array<ArrayBuffer>;
}

export class HandlerTable {
  readonly sites = new Column();
  readonly handlers = new Column();
  readonly clauses = new Column();
  /** The last clause of each handler. */
  private readonly tails = new Column();

  /** Adds a handler without clauses. `parent`: a handler or -1. */
  open(parent: number): number {
    this.handlers.push(parent >>> 0);
    this.handlers.push(NO_HANDLER);
    this.tails.push(NO_HANDLER);
    return this.tails.length - 1;
  }

  parent(handler: number): number {
    return this.handlers.words[handler * 2] | 0;
  }

  delegate(handler: number, parent: number): void {
    this.handlers.words[handler * 2] = parent >>> 0;
  }

  /** Appends a clause; its landing may be set later. @param tag image offset of the record, or 0 */
  clause(handler: number, tag: number, landing = 0): number {
    const clause = this.clauses.length / 3;
    const tail = this.tails.words[handler];
    if (tail === NO_HANDLER) this.handlers.words[handler * 2 + 1] = clause;
    else this.clauses.words[tail * 3 + 2] = clause;
    this.tails.words[handler] = clause;
    this.clauses.push(tag);
    this.clauses.push(landing);
    this.clauses.push(NO_HANDLER);
    return clause;
  }

  land(clause: number, textOffset: number): void {
    this.clauses.words[clause * 3 + 1] = textOffset;
  }

  /** A copy of the rows. */
  rows(): HandlerRows {
    return { sites: this.sites.copy(), handlers: this.handlers.copy(), clauses: this.clauses.copy() };
  }

  /** Appends rows that were collected elsewhere, for text that begins at `textOffset`. They must be complete. */
  append({ sites, handlers, clauses }: HandlerRows, textOffset: number): void {
    const firstHandler = this.tails.length;
    const firstClause = this.clauses.length / 3;
    const moved = (index: number, by: number) => (index === NO_HANDLER ? NO_HANDLER : index + by);
    for (let at = 0; at < sites.length; at += 2) this.site(sites[at] + textOffset, sites[at + 1] + firstHandler);
    for (let at = 0; at < handlers.length; at += 2) {
      this.handlers.push(moved(handlers[at], firstHandler));
      this.handlers.push(moved(handlers[at + 1], firstClause));
      this.tails.push(NO_HANDLER);
    }
    for (let at = 0; at < clauses.length; at += 3) {
      this.clauses.push(clauses[at]);
      this.clauses.push(clauses[at + 1] + textOffset);
      this.clauses.push(moved(clauses[at + 2], firstClause));
    }
  }

  site(textOffset: number, handler: number): void {
    this.sites.push(textOffset);
    this.sites.push(handler);
  }
}
