/** What is sent in rounds is reported, each round by itself. */

import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Bytes, type Packed, PIECE } from '../../../src/transport/messages.js';
import type { MoveEvent } from '../../../src/transport/move-event.js';
import { RateLimit } from '../../../src/transport/rate-limit.js';
import { Rounds } from '../../../src/transport/rounds.js';

test('each round says what it has sent, when it is there', async () => {
  const said: (Bytes | Packed)[] = [];
  const events: MoveEvent[] = [];
  let total = 0;
  const rounds = new Rounds('brotli', {
    limit: new RateLimit(undefined),
    say: async (message) => void said.push(message),
    onSent: (bytes) => {
      total += bytes;
    },
    onEvent: (event) => events.push(event),
  });
  const received: number[] = [];
  const isThere = async (round: number) => {
    received.push(round);
    await soon(); // nothing is said of it meanwhile
    expect(events.filter(({ event }) => event === 'round')).toHaveLength(round - 1);
  };
  rounds.begin(9000);
  await rounds.send(Buffer.alloc(4096), 65536);
  await rounds.send(Buffer.alloc(4096), 0);
  await rounds.end(isThere);
  rounds.begin(4096);
  await rounds.send(Buffer.alloc(5000), 0);
  await rounds.end(isThere);
  expect(received).toEqual([1, 2]);
  expect(said.map(({ name, offset }) => ({ name, offset }))).toEqual(
    [65536, 0, 0].map((offset) => ({ name: 'packed', offset })),
  );
  const [a, b, c] = said.map(({ data }) => data.length);
  expect(events).toEqual([
    { event: 'sent', bytes: 4096, of: 9000 },
    { event: 'sent', bytes: 8192, of: 9000 },
    { event: 'round', round: 1, bytes: 8192, wire: a + b, milliseconds: expect.any(Number) },
    { event: 'sent', bytes: 5000, of: 5000 },
    { event: 'round', round: 2, bytes: 5000, wire: c, milliseconds: expect.any(Number) },
  ]);
  expect(total).toBe(13192);
});

test('what is larger than a piece is sent in several, each at its place', async () => {
  const said: number[] = [];
  const rounds = new Rounds(undefined, {
    limit: new RateLimit(undefined),
    say: async ({ offset, data }) => void said.push(offset, data.length),
    onSent: () => {},
    onEvent: () => {},
  });
  rounds.begin(PIECE + 5);
  await rounds.send(Buffer.alloc(PIECE + 5), 100);
  expect(said).toEqual([100, PIECE, 100 + PIECE, 5]);
});
