/** The embedder's side of the protocol against processes that do what none of ours does, byte by byte. */

import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EmbedderConnection } from '../../../src/api/embedder/connection.js';
import type { Imports } from '../../../src/api/embedder/import-object.js';
import {
  MSG_BYTES,
  MSG_CALL,
  MSG_HELLO,
  MSG_LEAVE,
  MSG_READ,
  MSG_REPLY,
  MSG_WELCOME,
  MSG_WRITTEN,
} from '../../../src/image/contract/embedder.js';

/** Both ends of a stream. */
function pair(): [Duplex, Duplex] {
  const make = (other: () => Duplex) =>
    new Duplex({
      read() {},
      write(chunk, _, done) {
        other().push(chunk);
        done();
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const a: Duplex = make(() => b);
  const b: Duplex = make(() => a);
  return [a, b];
}

const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
const u64 = (value: number) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);

function message(kind: number, ...body: Buffer[]): Buffer {
  const bytes = Buffer.concat(body);
  return Buffer.concat([u32(kind, bytes.length), bytes]);
}

/** A table of functions (i32) -> (i32) of module "m". */
function table(...names: string[]): Buffer {
  const descriptions = names.map((name) => {
    const lengths = Buffer.from(Uint16Array.of(1, name.length, 1, 1).buffer);
    return Buffer.concat([lengths, Buffer.from(`m${name}`), Buffer.of(0x7f, 0x7f)]);
  });
  let at = 8 + 8 * names.length;
  const rows = descriptions.map(({ length }) => {
    at += length;
    return u32(at - length, 0);
  });
  return Buffer.concat([u32(names.length, at), ...rows, ...descriptions]);
}

const NEW: Buffer = Buffer.alloc(16);
const hello = (imports = table('f'), { version = 1, flags = 0, session = NEW, last = 0 } = {}) =>
  message(MSG_HELLO, u32(version, flags), session, u64(last), imports);
const call = (number: number, { row = 0, again = 0, cells = Buffer.from(u64(7)) as Buffer } = {}) =>
  message(MSG_CALL, u64(number), u32(row, again), cells);

/** A process by hand: what it sends, and what it has been sent. */
class Process {
  readonly connection: EmbedderConnection;
  private readonly socket: Duplex;
  private received = Buffer.alloc(0);

  constructor(imports: Imports) {
    const [own, theirs] = pair();
    this.socket = own;
    own.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.connection = new EmbedderConnection(theirs, imports);
  }

  async send(...messages: Buffer[]): Promise<void> {
    for (const bytes of messages) this.socket.write(bytes);
    await this.settle();
  }

  async end(): Promise<void> {
    this.socket.end();
    await this.settle();
  }

  /** Messages that have come since the last time. */
  take(): { kind: number; body: Buffer }[] {
    const messages = [];
    while (this.received.length >= 8) {
      const end = 8 + this.received.readUInt32LE(4);
      messages.push({ kind: this.received.readUInt32LE(0), body: this.received.subarray(8, end) });
      this.received = this.received.subarray(end);
    }
    return messages;
  }

  private async settle(): Promise<void> {
    for (let i = 0; i < 12; i++) await nextTurn();
  }
}

const double: Imports = { m: { f: (_, value: number) => value * 2 } };
const failureOf = ({ connection }: Process) => (connection.failure?.error as Error | undefined)?.message;

test('greets, and answers a call, whatever pieces it comes in', async () => {
  const process = new Process(double);
  for (const byte of Buffer.concat([hello(), call(1)])) await process.send(Buffer.of(byte));
  const [welcome, reply] = process.take();
  expect(welcome.kind).toBe(MSG_WELCOME);
  expect(welcome.body.subarray(8)).not.toEqual(NEW);
  expect(reply).toEqual({ kind: MSG_REPLY, body: Buffer.concat([u64(1), u64(14)]) });
  await process.send(call(2), call(3));
  expect(process.take().map(({ body }) => body.readUInt32LE())).toEqual([2, 3]);
  expect(failureOf(process)).toBeUndefined();
});

test.each<[string, Buffer[], string]>([
  ['a kind that there is not', [u32(77, 0)], 'a message of kind 77, which does not exist'],
  ['a hello without end', [u32(MSG_HELLO, 0xffffffff)], 'a message of 4294967295 bytes, of at most 1048608'],
  ['a short hello', [message(MSG_HELLO, NEW)], 'a hello that is cut short'],
  ['another version', [hello(undefined, { version: 9 })], 'a hello of protocol version 9, not 1'],
  ['a table that is cut', [hello(table('f').subarray(0, -1))], 'a table of imports that does not fit together'],
  [
    'a table of too many',
    [hello(Buffer.concat([u32(0xffffffff, 8)]))],
    'a table of imports that does not fit together',
  ],
  ['a row elsewhere', [hello(Buffer.concat([u32(1, 16, 4, 0)]))], 'a table of imports that does not fit together'],
  ['a call before its hello', [call(1)], 'something before its hello'],
  ['two hellos', [hello(), hello()], 'a second hello'],
  ['a number that is left out', [hello(), call(2)], 'call 2 after call 0'],
  ['a number again', [hello(), call(1), call(1)], 'call 1 after call 1'],
  ['an import that it does not have', [hello(), call(1, { row: 1 })], 'a call of import 1, which it does not have'],
  ['too few arguments', [hello(), call(1, { cells: NEW.subarray(0, 0) })], 'a call with another number of arguments'],
  ['too many arguments', [hello(), call(1, { cells: NEW })], 'a call with another number of arguments'],
  ['an answer without a request', [hello(), call(1), message(MSG_WRITTEN)], 'an answer without a request'],
  ['a short farewell', [hello(), message(MSG_LEAVE, u64(1))], 'a farewell that is cut short'],
])('refuses %s', async (_, messages, problem) => {
  const process = new Process(double);
  await process.send(...messages);
  expect(failureOf(process)).toBe(`the process has sent its embedder ${problem}`);
});

test('refuses a call while it waits in another, and answers that do not fit', async () => {
  const waiting: Imports = { m: { f: () => new Promise(() => {}) } };
  const twice = new Process(waiting);
  await twice.send(hello(), call(1), call(2));
  expect(failureOf(twice)).toContain('a call while it waits in another');
  let problem: Error | undefined;
  const reading = new Process({
    m: {
      f: (context) =>
        context
          .memory()
          .read(16, 4)
          .catch((error: Error) => {
            problem = error;
          }),
    },
  });
  await reading.send(hello(), call(1));
  expect(reading.take().at(-1)).toEqual({ kind: MSG_READ, body: Buffer.concat([u32(0, 4), u64(16)]) });
  await reading.send(message(MSG_BYTES, Buffer.alloc(5)));
  expect(failureOf(reading)).toContain('an answer to another request');
  expect(problem?.message).toBe('the process that made the call has ended');
});

test('a call that is made again is the one that was left', async () => {
  let calls = 0;
  let answer = (_: number) => {};
  const imports: Imports = {
    m: {
      f: () => {
        calls++;
        return new Promise<number>((done) => {
          answer = done;
        });
      },
    },
  };
  const first = new Process(imports);
  await first.send(hello(), call(1));
  const session = first.take()[0].body.subarray(8);
  await first.send(message(MSG_LEAVE, u64(1), u64(1)));
  await first.end();
  const next = () => new Process(imports);
  const resumed = hello(undefined, { flags: 3, session, last: 1 });
  const other = next();
  await other.send(resumed, call(1, { again: 1, cells: Buffer.from(u64(8)) })); // another argument: another past
  expect(calls).toBe(2);
  const heir = next();
  await heir.send(resumed, call(1, { again: 1 }));
  expect(calls).toBe(2);
  const twin = next();
  await twin.send(resumed, call(1, { again: 1 }));
  expect(calls).toBe(3); // the call went to the heir: a second copy has one of its own
  answer(5);
  await twin.end();
  expect(twin.take().at(-1)).toEqual({ kind: MSG_REPLY, body: Buffer.concat([u64(1), u64(5)]) });
});

test('a call whose process has ended without a capture is made again', async () => {
  let calls = 0;
  const aborted: boolean[] = [];
  const imports: Imports = {
    m: {
      f: ({ signal, again }) => {
        calls++;
        signal.addEventListener('abort', () => aborted.push(again));
        return new Promise(() => {});
      },
    },
  };
  const first = new Process(imports);
  await first.send(hello(), call(1));
  const session = first.take()[0].body.subarray(8);
  await first.end();
  expect(aborted).toEqual([false]);
  const second = new Process(imports);
  await second.send(hello(undefined, { flags: 3, session, last: 1 }), call(1, { again: 1 }));
  expect(calls).toBe(2);
});
