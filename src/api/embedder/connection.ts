/**
 * The connection between one process and its embedder: greets it, checks its imports, and answers its calls.
 *
 * A process makes one call at a time. Its messages are checked; an invalid one ends the connection, and the process
 * traps at its call. Nothing is left when the process ends.
 */

import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { InputError } from '../../base/errors.js';
import {
  CALL_AGAIN,
  LEAVE_PENDING,
  MSG_BYTES,
  MSG_CALL,
  MSG_FAULT,
  MSG_HELLO,
  MSG_LEAVE,
  MSG_SIZE_IS,
  MSG_WRITTEN,
} from '../../image/contract/embedder.js';
import { Call, type CallRequest } from './call.js';
import { checkImports } from './check-imports.js';
import { type ImportFunction, type Imports, provided } from './import-object.js';
import { type CallJournal, journalOf } from './journal.js';
import {
  callNumber,
  decodeHello,
  type Hello,
  type ImportRow,
  type Message,
  MessageReader,
  protocolError,
  refusal,
  welcome,
} from './messages.js';
import { cellBytes } from './values.js';

const NO_SESSION = '0'.repeat(32);
/** Turns of the event loop that the end of a process may take to arrive. */
const TURNS = 3;

export class EmbedderConnection {
  /**
   * Fulfilled once the process has what it needs, or has ended without asking. Rejected with what it lacks; the process
   * then ends.
   */
  readonly greeted: Promise<void>;
  private readonly reader = new MessageReader();
  private readonly journal: CallJournal;
  private hello: Hello | undefined;
  private session = NO_SESSION;
  private functions: ImportFunction[] = [];
  private lastNumber = 0;
  private call: Call | undefined;
  private failed: { readonly error: unknown } | undefined;
  private isClosed = false;
  private mayLeave = false;
  private greet!: { resolve(): void; reject(error: Error): void };

  /** @param hasLeft whether a capture ended the process, known at its exit; undefined: the connection's end is its end */
  constructor(
    private readonly socket: Duplex,
    private readonly imports: Imports,
    private readonly callTimeout?: number,
    private readonly hasLeft?: Promise<boolean>,
  ) {
    this.journal = journalOf(imports);
    this.greeted = new Promise((resolve, reject) => {
      this.greet = { resolve, reject };
    });
    this.greeted.catch(() => {}); // reported to whoever awaits it
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => {}); // the socket's end is handled below
    socket.on('close', () => this.close());
    socket.on('end', () => socket.destroy());
  }

  /** The first error: one that a function has thrown, or a wrong message of the process; undefined: none. */
  get failure(): { readonly error: unknown } | undefined {
    return this.failed;
  }

  /**
   * Called before a capture that may end the process by SIGKILL, as a suspended process cannot say that it leaves. Its
   * current call is then kept for the process that continues it.
   */
  expectLeave(): () => void {
    this.mayLeave = true;
    return () => {
      this.mayLeave = false;
    };
  }

  /** A capture has ended the process: its current call is kept for the process that continues it. */
  private leave(): void {
    if (this.call === undefined) return;
    this.call.detach();
    this.journal.keep(this.call);
    this.call = undefined;
  }

  private receive(chunk: Buffer): void {
    if (this.isClosed) return;
    try {
      for (const message of this.reader.push(chunk)) this.take(message);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.end(error);
    }
  }

  private take(message: Message): void {
    const { kind, body } = message;
    if (kind === MSG_HELLO) this.takeHello(body);
    else if (this.hello === undefined) throw protocolError('something before its hello');
    else if (kind === MSG_CALL) this.takeCall(body);
    else if (kind === MSG_LEAVE) this.takeLeave(body);
    else if ([MSG_BYTES, MSG_SIZE_IS, MSG_WRITTEN, MSG_FAULT].includes(kind)) {
      if (this.call === undefined) throw protocolError('an answer without a request');
      this.call.memory.take(message);
    }
  }

  private takeHello(body: Buffer): void {
    if (this.hello !== undefined) throw protocolError('a second hello');
    const hello = decodeHello(body);
    this.hello = hello;
    const problem = checkImports(hello.rows, this.imports);
    if (problem !== undefined) {
      this.socket.end(refusal());
      this.greet.reject(problem);
      return;
    }
    this.functions = hello.rows.map(({ module, name }) => {
      const found = provided(this.imports, module, name)!;
      return typeof found === 'function' ? found : found.call;
    });
    this.lastNumber = hello.pending ? hello.last - 1 : hello.last;
    this.session = hello.session === NO_SESSION ? randomBytes(16).toString('hex') : hello.session;
    this.write(welcome(this.session));
    this.greet.resolve();
  }

  private takeCall(body: Buffer): void {
    if (body.length < 16) throw protocolError('a call that is cut short');
    if (this.call !== undefined && !this.call.isAnswered) throw protocolError('a call while it waits in another');
    const number = callNumber(body, 0);
    const again = (body.readUInt32LE(12) & CALL_AGAIN) !== 0;
    // wag_snap_restored may have made calls before the program repeats the one that its snapshot was taken in
    const isNext = number === this.lastNumber + 1 || (again && number > 0 && number <= this.lastNumber);
    if (!isNext) throw protocolError(`call ${number} after call ${this.lastNumber}`);
    const index = body.readUInt32LE(8);
    const row: ImportRow | undefined = this.hello!.rows[index];
    if (row === undefined) throw protocolError(`a call of import ${index}, which it does not have`);
    const cells = Buffer.from(body.subarray(16)); // a copy: the piece may hold other messages too
    if (cells.length !== cellBytes(row.params)) throw protocolError('a call with another number of arguments');
    this.lastNumber = Math.max(number, this.lastNumber);
    const request: CallRequest = { session: this.session, number, again, row, cells };
    if (again) void this.callAgain(request, this.functions[index]);
    else this.start(request, this.functions[index]);
  }

  /** The call was made before, by a process whose end may not have arrived here yet. */
  private async callAgain(request: CallRequest, call: ImportFunction): Promise<void> {
    let kept = this.journal.take(request);
    for (let i = 0; i < TURNS && kept === undefined; i++) {
      await nextTurn();
      kept = this.journal.take(request);
    }
    if (kept === undefined) return this.start(request, call);
    if (this.isClosed) return this.journal.keep(kept);
    this.call = kept;
    kept.attach((bytes) => this.write(bytes));
  }

  private start(request: CallRequest, call: ImportFunction): void {
    if (this.isClosed) return;
    this.call = new Call(
      request,
      (bytes) => this.write(bytes),
      (error) => {
        this.failed ??= { error };
      },
      this.callTimeout,
    );
    this.call.run(call);
  }

  private takeLeave(body: Buffer): void {
    if (body.length !== 16) throw protocolError('a farewell that is cut short');
    this.mayLeave = false;
    const pending = (body.readBigUInt64LE(8) & BigInt(LEAVE_PENDING)) !== 0n;
    if (pending && this.call !== undefined && callNumber(body, 0) === this.call.request.number) this.leave();
  }

  private write(bytes: Buffer): void {
    if (!this.isClosed) this.socket.write(bytes);
  }

  private end(error: InputError): void {
    this.failed ??= { error };
    this.greet.reject(error);
    this.socket.destroy();
    this.close();
  }

  /** A process that a capture ends in the middle of a message cannot say so: its exit code does. */
  private async endCall(call: Call): Promise<void> {
    if (this.hasLeft === undefined) return call.drop();
    call.detach();
    if (await this.hasLeft) this.journal.keep(call);
    else call.drop();
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.mayLeave) this.leave();
    if (this.call !== undefined) void this.endCall(this.call);
    this.call = undefined;
    this.greet.resolve();
  }
}
