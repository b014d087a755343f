/**
 * One call of a function of the embedder, from the guest's message to the answer. It outlives the process that made it,
 * when that was captured meanwhile and leaves: then the process that continues it takes the answer.
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
  /** Its arguments' cells. */
  readonly cells: Buffer;
}

/** Where answers and requests go: a connection. */
export type Send = (bytes: Buffer) => void;

export class Call {
  /** Made when a function asks for its signal: it takes as long as the rest of a call. */
  private abort: AbortController | undefined;
  private isDropped = false;
  private readonly requests = new MemoryRequests((bytes) => this.send?.(bytes));
  private answer: Buffer | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param timeout milliseconds for which the function may take to answer; undefined: as long as it likes */
  constructor(
    readonly request: CallRequest,
    private send: Send | undefined,
    private readonly onFailure: (error: unknown) => void,
    private readonly timeout?: number,
  ) {}

  /** Whether it has its answer. */
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

  /** The process has left with the call in its snapshot. */
  detach(): void {
    this.send = undefined;
  }

  /** A process that continues it. */
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

  /** Whether another process's call is this one. */
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
    this.timer.unref(); // the program keeps this process, not its timer
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
