/** The pages that follow a program: their order, what they are sent as, and what the target may say. */

import { expect, test } from 'vitest';
import { type ArrivingPages, receivePages } from '../../../src/transport/arriving.js';
import type { Channel } from '../../../src/transport/channel.js';
import { LinkError } from '../../../src/transport/errors.js';
import type { Message } from '../../../src/transport/messages.js';
import { type MissingPages, sendMissing } from '../../../src/transport/owing.js';
import { RateLimit } from '../../../src/transport/rate-limit.js';

const UNIT = 65536;

/** Units of a file, in the order in which they are sent when nobody waits; each has its number in it. */
function missing(...order: number[]): MissingPages {
  const units = new Uint8Array(8);
  for (const unit of order) units[unit >> 3] |= 1 << (unit & 7);
  const read = (unit: number) => [{ offset: unit * UNIT, data: Buffer.alloc(100, unit) }];
  return { units, order: Uint32Array.from(order), read };
}

/** A channel whose other side answers each message. */
function channel(answer: (message: Message, sent: readonly Message[]) => readonly Message[]) {
  const sent: Message[] = [];
  const waiting: Message[] = [];
  let wake = () => {};
  const self: Channel & { sent: Message[]; units(): number[] } = {
    received: 0,
    sent,
    async send(message) {
      sent.push(message);
      waiting.push(...answer(message, sent));
      wake();
      await new Promise((resolve) => setImmediate(resolve));
    },
    async receive() {
      while (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return waiting.shift() as Message;
    },
    units: () => sent.flatMap((message) => (message.name === 'arrived' ? [message.unit] : [])),
  };
  return self;
}

const want = (unit: number): Message => ({ name: 'want', unit });
const whole: Message = { name: 'whole', pid: 1 };

function send(to: Channel, pages: MissingPages, codec?: 'brotli', limit = new RateLimit(undefined)) {
  const progress: number[][] = [];
  const over = sendMissing(to, pages, {
    codec,
    limit,
    onSent: (left, bytes, wire) => progress.push([left, bytes, wire]),
  });
  return { over, progress };
}

/** The last is reported after the target has said that it has all. */
async function reports(progress: readonly unknown[], count: number): Promise<void> {
  while (progress.length < count) await new Promise((resolve) => setImmediate(resolve));
}

test('each unit once, in its order, after its bytes', async () => {
  const to = channel((_, sent) => (sent.length === 6 ? [whole] : []));
  const { over, progress } = send(to, missing(5, 2, 9));
  await over;
  expect(to.sent.map((message) => [message.name, 'offset' in message ? message.offset / UNIT : undefined])).toEqual([
    ['bytes', 5],
    ['arrived', undefined],
    ['bytes', 2],
    ['arrived', undefined],
    ['bytes', 9],
    ['arrived', undefined],
  ]);
  await reports(progress, 3);
  expect(progress).toEqual([
    [2 * UNIT, 100, 100],
    [UNIT, 100, 100],
    [0, 100, 100],
  ]);
});

test('what is waited for goes first, with what follows it', async () => {
  const to = channel((_, sent) => {
    if (sent.length === 1) return [want(20), want(20), want(63), want(5)];
    return sent.length === 14 ? [whole] : [];
  });
  await send(to, missing(5, 2, 9, 23, 21, 20, 24)).over;
  expect(to.units()).toEqual([5, 20, 21, 23, 2, 9, 24]);
});

test('the last that is waited for goes first', async () => {
  const to = channel((_, sent) => {
    if (sent.length === 1) return [want(30)];
    if (sent.length === 3) return [want(40)];
    return sent.length === 10 ? [whole] : [];
  });
  await send(to, missing(1, 30, 31, 40, 2)).over;
  expect(to.units()).toEqual([1, 30, 40, 31, 2]);
});

test('it is not over before the target says so, and at once when it does', async () => {
  const late = channel(() => []);
  const { over } = send(late, missing(1));
  const state = await Promise.race([over.then(() => 'over'), new Promise((resolve) => setTimeout(resolve, 20))]);
  expect([state, late.units()]).toEqual([undefined, [1]]);
  const early = channel((_, sent) => (sent.length === 2 ? [whole] : []));
  await send(early, missing(1, 2, 3, 4, 5, 6)).over;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(early.units().length).toBeLessThan(3);
});

test('it is compressed, where that is worth while', async () => {
  const to = channel((_, sent) => (sent.length === 2 ? [whole] : []));
  const { over, progress } = send(to, missing(1), 'brotli');
  await over;
  await reports(progress, 1);
  expect(to.sent[0]).toMatchObject({ name: 'packed', codec: 'brotli', length: 100, offset: UNIT });
  expect(progress[0]![2]).toBeLessThan(progress[0]![1]!);
});

test('the rate is for what nobody waits for', async () => {
  const taken: number[] = [];
  const limit = { take: async (bytes: number) => void taken.push(bytes) } as unknown as RateLimit;
  const to = channel((_, sent) => (sent.length === 1 ? [want(9)] : sent.length === 6 ? [whole] : []));
  await send(to, missing(1, 2, 9), undefined, limit).over;
  expect([to.units(), taken]).toEqual([
    [1, 9, 2],
    [100, 100],
  ]);
});

const ENDS: readonly [Message, string][] = [
  [{ name: 'failed', code: 'write', exitCode: 1, headline: 'the disk is full', details: [] }, 'the disk is full'],
  [{ name: 'prepared', pid: 1 }, 'has said "prepared" where pages were awaited'],
];
test.each(ENDS)('another answer ends it', async (message, why) => {
  const to = channel((_, sent) => (sent.length === 1 ? [message] : []));
  await expect(send(to, missing(1, 2, 3)).over).rejects.toThrow(why);
});

// -- the target's half

class Program implements ArrivingPages {
  readonly did: string[] = [];
  end = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.end = resolve;
  });
  onWant: (unit: number) => void = () => {};
  /** A unit that it has. */
  there = -1;
  isOver = false;
  constructor(public left: number) {}
  hasEnded(): boolean {
    return this.isOver;
  }
  serve(onWant: (unit: number) => void): void {
    this.onWant = onWant;
  }
  isMissing(offset: number): boolean {
    return Math.floor(offset / UNIT) !== this.there;
  }
  arrived(unit: number, count: number): void {
    this.did.push(`arrived ${unit} ${count}`);
    this.left -= count;
  }
  close(): void {
    this.did.push('close');
  }
}

function source(...messages: (Message | undefined)[]): Channel & { said: Message[] } {
  const said: Message[] = [];
  return {
    received: 0,
    said,
    send: async (message) => void said.push(message),
    async receive() {
      const message = messages.shift();
      if (message === undefined && messages.length > 0) await new Promise(() => {});
      if (message === undefined) throw new LinkError('gone');
      return message;
    },
  };
}

const bytes: Message = { name: 'bytes', file: 'snapshot', offset: 0, data: Buffer.of(1) };

/** At unit 3. @param length of what it stands for */
const packedPiece = (length: number): Message => {
  return { name: 'packed', file: 'snapshot', offset: 3 * UNIT, codec: 'brotli', length, data: Buffer.of(1) };
};

test('pages are written before they are said to be there', async () => {
  const program = new Program(2);
  const from = source(bytes, { name: 'arrived', unit: 4, count: 1 }, { name: 'arrived', unit: 5, count: 1 });
  const write = async () => void program.did.push('write');
  const over = receivePages(from, 7, program, write);
  program.onWant(4);
  await over;
  expect(program.did).toEqual(['write', 'arrived 4 1', 'arrived 5 1', 'close']);
  expect(from.said).toEqual([want(4), { name: 'whole', pid: 7 }]);
});

test('pages that the program may have read are not sent again', async () => {
  const program = new Program(2);
  program.there = 3;
  const again: Message = { name: 'bytes', file: 'snapshot', offset: 3 * UNIT, data: Buffer.of(1) };
  for (const message of [again, packedPiece(1)]) {
    const over = receivePages(source(message), 7, program, async () => expect.unreachable());
    await expect(over).rejects.toThrow('has sent pages that were there already');
  }
});

test('a piece that is compressed is as long as what it stands for', async () => {
  const program = new Program(2);
  const asked: number[][] = [];
  program.isMissing = (...range: number[]) => asked.push(range) > 0;
  await receivePages(source(packedPiece(3 * UNIT), { name: 'arrived', unit: 3, count: 2 }), 7, program, async () => {});
  expect(asked).toEqual([[3 * UNIT, 3 * UNIT]]);
});

test('a program that has ended needs no more', async () => {
  const program = new Program(2);
  const from = source(undefined, undefined);
  const over = receivePages(from, 7, program, async () => {});
  program.end();
  await over;
  expect([program.did, from.said]).toEqual([['close'], [{ name: 'whole', pid: 7 }]]);
});

test('it has ended at the same time as the link: no pages were lost', async () => {
  const program = new Program(2);
  program.isOver = true; // which nobody has told yet
  const from = source();
  await receivePages(from, 7, program, async () => {});
  expect(program.did).toEqual(['close']);
});

test('what the other side must not say is an error, whether it has ended or not', async () => {
  const program = new Program(2);
  program.isOver = true;
  const over = receivePages(source({ name: 'cancel', reason: 'so' }), 7, program, async () => {});
  await expect(over).rejects.toThrow('has said "cancel"');
});

test('all is there, though the source cannot be told any more', async () => {
  const program = new Program(1);
  const from = source({ name: 'arrived', unit: 4, count: 1 });
  from.send = () => Promise.reject(new LinkError('gone'));
  await receivePages(from, 7, program, async () => {});
  expect(program.did).toEqual(['arrived 4 1', 'close']);
});

test.each([
  ['a link that is gone', [], 'gone'],
  ['another message', [{ name: 'cancel', reason: 'so' }], 'has said "cancel" where pages were expected'],
] as const)('%s: nothing more comes, and nobody is told that all is there', async (_, messages, why) => {
  const program = new Program(2);
  const from = source(...messages);
  await expect(receivePages(from, 7, program, async () => {})).rejects.toThrow(why);
  expect([program.did, from.said]).toEqual([['close'], []]);
});
