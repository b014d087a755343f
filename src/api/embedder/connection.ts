/**
 * One process and its embedder: greets it, compares what it imports with what there is, and answers its calls.
 *
 * A process makes one call at a time. What it sends is checked; what cannot be ends the connection, and the process
 * traps at its call. Leaves nothing behind when the process ends.
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
/** Turns of the event loop in which the end of a process that is gone arrives. */
const TURNS = 3;

export class EmbedderConnection {
  /**
   * Fulfilled once the process has what it needs, or has ended without asking. Rejected with what it lacks: it ends
   * then.
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

  constructor(
    private readonly socket: Duplex,
    private readonly imports: Imports,
    private readonly callTimeout?: number,
  ) {
    this.journal = journalOf(imports);
    this.greeted = new Promise((resolve, reject) => {
      this.greet = { resolve, reject };
    });
    this.greeted.catch(() => {}); // whoever waits for it is told
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => {}); // its end tells
    socket.on('close', () => this.close());
    socket.on('end', () => socket.destroy());
  }

  /** What a function has thrown, or the process has done wrong: the first of it; undefined: nothing. */
  get failure(): { readonly error: unknown } | undefined {
    return this.failed;
  }

  /**
   * A capture may end the process by SIGKILL, if it is suspended: without a word, the call that it is in is for the
   * process that continues it, too.
   */
  expectLeave(): () => void {
    this.mayLeave = true;
    return () => {
      this.mayLeave = false;
    };
  }

  /** A capture has ended the process: the call that it is in is for the one that continues it. */
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
      if (this.call === undefined) throw protocolError('an answer to no question');
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
    if (number !== this.lastNumber + 1) throw protocolError(`call ${number} after call ${this.lastNumber}`);
    const index = body.readUInt32LE(8);
    const row: ImportRow | undefined = this.hello!.rows[index];
    if (row === undefined) throw protocolError(`a call of import ${index}, which it does not have`);
    const cells = Buffer.from(body.subarray(16)); // what arrives next may lie in the same piece
    if (cells.length !== cellBytes(row.params)) throw protocolError('a call with another number of arguments');
    this.lastNumber = number;
    const again = (body.readUInt32LE(12) & CALL_AGAIN) !== 0;
    const request: CallRequest = { session: this.session, number, again, row, cells };
    if (again) void this.callAgain(request, this.functions[index]);
    else this.start(request, this.functions[index]);
  }

  /** Was made before: by a process whose end may be a moment late in coming here. */
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

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.mayLeave) this.leave();
    this.call?.drop();
    this.call = undefined;
    this.greet.resolve();
  }
}
