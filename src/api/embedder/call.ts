/**
 * One call of an embedder's function, from the guest's message to the answer. A call outlives its process when that is
 * captured and ended meanwhile. Then the process that continues the program takes the answer.
 */

import type { CallContext } from './call-context.js';
import { callIsOver, MemoryRequests, processIsGone } from './guest-memory.js';
import type { ImportFunction } from './import-object.js';
import { type ImportRow, reply, trapMessage } from './messages.js';
import { cellBytes, decodeValues, encodeValues } from './values.js';

export interface CallRequest {
  readonly session: string;
  readonly number: number;
  readonly again: boolean;
  readonly row: ImportRow;
  /** The cells of its arguments. */
  readonly cells: Buffer;
}

/** The connection that answers and memory requests go to. */
export type Send = (bytes: Buffer) => void;

export class Call {
  /** Created when a function first asks for its signal, as creating one costs as much as the rest of a call. */
  private abort: AbortController | undefined;
  private isDropped = false;
  private readonly requests = new MemoryRequests((bytes) => this.send?.(bytes));
  private answer: Buffer | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param timeout how long the function may take to answer, in milliseconds; undefined: no limit */
  constructor(
    readonly request: CallRequest,
    private send: Send | undefined,
    private readonly onFailure: (error: unknown) => void,
    private readonly timeout?: number,
  ) {}

  /** Whether it has been answered. */
  get isAnswered(): boolean {
    return this.answer !== undefined;
  }

  get memory(): MemoryRequests {
    return this.requests;
  }

  run(call: ImportFunction): void {
    const { row, cells } = this.request;
    try {
      const result = call(this.context(), ...decodeValues(row.params, cells));
      if (isThenable(result)) {
        result.then(
          (value) => this.finish(value),
          (error) => this.fail(error),
        );
        this.limit();
      } else this.finish(result);
    } catch (error) {
      this.fail(error);
    }
  }

  /** The process has ended with this call in its snapshot. */
  detach(): void {
    this.send = undefined;
  }

  /** A process continues the call. */
  attach(send: Send): void {
    this.send = send;
    if (this.answer !== undefined) send(this.answer);
    else this.requests.sendAgain();
  }

  /** Nobody will take the answer. */
  drop(): void {
    this.send = undefined;
    this.requests.end(processIsGone);
    clearTimeout(this.timer);
    this.isDropped = !this.isAnswered;
    if (this.isDropped) this.abort?.abort(processIsGone());
  }

  /** Whether another process's call continues this one. */
  isSame({ session, number, row, cells }: CallRequest): boolean {
    const { request } = this;
    return (
      session === request.session &&
      number === request.number &&
      row.module === request.row.module &&
      row.name === request.row.name &&
      cells.equals(request.cells)
    );
  }

  private signal(): AbortSignal {
    if (this.abort === undefined) {
      this.abort = new AbortController();
      if (this.isDropped) this.abort.abort(processIsGone());
    }
    return this.abort.signal;
  }

  private context(): CallContext {
    const { session, number, again, row } = this.request;
    const signal = () => this.signal();
    return {
      call: number,
      session,
      again,
      module: row.module,
      name: row.name,
      get signal() {
        return signal();
      },
      memory: (index = 0) => this.requests.memory(index),
    };
  }

  private limit(): void {
    const { timeout } = this;
    if (timeout === undefined) return;
    this.timer = setTimeout(() => {
      const late = new Error(`no answer within ${timeout} ms`);
      this.fail(late);
      this.abort?.abort(late);
    }, timeout);
    this.timer.unref(); // the timer must not keep this process alive; the program does
  }

  private finish(result: unknown): void {
    if (this.isAnswered) return; // too late
    const { number, row } = this.request;
    try {
      this.settle(reply(number, cellBytes(row.results), (cells) => encodeValues(row.results, result, cells)));
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (this.isAnswered) return;
    this.onFailure(error);
    this.settle(trapMessage(this.request.number, error instanceof Error ? error.message : String(error)));
  }

  private settle(answer: Buffer): void {
    this.answer = answer;
    clearTimeout(this.timer);
    this.requests.end(callIsOver);
    this.send?.(answer);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}
