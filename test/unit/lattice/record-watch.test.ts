/** The news of records begin again when they have stopped, and are not asked for twice while they come. */

import type { KV, KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { encodeRecord } from '../../../src/lattice/record-format.js';
import { type RecordNews, RecordWatch } from '../../../src/lattice/record-watch.js';
import type { NodeRecord } from '../../../src/lattice/records.js';

/** Things that come one after the other, until somebody stops them. */
class Queue<T> implements AsyncIterable<T> {
  isStopped = false;
  private readonly things: T[] = [];
  private wake = () => {};

  push(thing: T): void {
    this.things.push(thing);
    this.wake();
  }

  stop(): void {
    this.isStopped = true;
    this.wake();
  }

  async *[Symbol.asyncIterator]() {
    while (!this.isStopped) {
      const next = this.things.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

const offer = { arch: ['x64'], cpus: 1, memory: 1, labels: {}, store: false, dirs: [], listen: {} };
const life = { incarnation: 1, session: 's', renewal: 1, lease: 1000, fenced: false };
const record: NodeRecord = { name: 'n', ...life, cordoned: false, draining: false, offer, receiver: null };

/** What the server sends: of the last watch that was begun. */
const watches: Queue<KvWatchEntry>[] = [];
let status: Queue<{ type: string }>;
const told: (RecordNews | boolean)[] = [];
/** Watches that fail, from now on. */
let failures = 0;
let watch: RecordWatch;

const entry = (
  key: string,
  revision: number,
  operation: KvWatchEntry['operation'] = 'PUT',
  value = encodeRecord(record),
) => ({ key, revision, operation, value }) as KvWatchEntry;

/** Lets everything happen that waits for no time. */
const soon = () => vi.advanceTimersByTimeAsync(0);
const looks = (count: number) => vi.advanceTimersByTimeAsync(1000 * count);

beforeEach(async () => {
  vi.useFakeTimers();
  status = new Queue();
  watches.length = 0;
  told.length = 0;
  failures = 0;
  const records = {
    watch: async () => {
      if (failures-- > 0) throw new Error('no leader');
      const entries = new Queue<KvWatchEntry>();
      watches.push(entries);
      return entries;
    },
  };
  watch = new RecordWatch(
    { status: () => status } as unknown as NatsConnection,
    records as unknown as KV,
    (news) => told.push(news),
    (isConnected) => told.push(isConnected),
  );
  await watch.start();
});
afterEach(() => {
  watch.close();
  vi.useRealTimers();
});

test('it tells of what is a record, and of what was deleted', async () => {
  const [entries] = watches;
  entries!.push(entry('node.n', 1));
  entries!.push(entry('node.other', 2));
  entries!.push(entry('node.n', 3, 'PUT', Uint8Array.of(1)));
  entries!.push(entry('job.j', 4, 'PURGE'));
  entries!.push(entry('node.n', 5, 'DEL'));
  await soon();
  expect(told).toEqual([
    { kind: 'node', record, revision: 1 },
    { kind: 'gone', job: 'j', revision: 4 },
    { kind: 'node-gone', node: 'n', revision: 5 },
  ]);
});

test('it begins again when what was written does not come back', async () => {
  await looks(10);
  expect(watches.length).toBe(1); // nothing was written
  watch.wrote(7);
  await looks(3);
  expect(watches.length).toBe(1);
  await looks(1);
  expect([watches.length, watches[0]!.isStopped]).toEqual([2, true]);
  watches[1]!.push(entry('node.n', 7));
  await looks(10);
  expect(watches.length).toBe(2);
});

test('as long as news come, what was written may come later', async () => {
  watch.wrote(7);
  for (let revision = 1; revision < 7; revision++) {
    await looks(3);
    watches[0]!.push(entry('node.n', revision));
    await soon();
  }
  expect(watches.length).toBe(1);
  watches[0]!.push(entry('node.n', 8)); // it was overwritten meanwhile
  await looks(10);
  expect(watches.length).toBe(1);
  watch.wrote(8); // the answer is later than the news
  await looks(10);
  expect(watches.length).toBe(1);
});

test('it begins again when the connection is there again, however often that fails', async () => {
  status.push({ type: 'disconnect' });
  await soon();
  expect([told, watches.length]).toEqual([[false], 1]);
  failures = 3;
  status.push({ type: 'reconnect' });
  await soon();
  expect([told, watches.length]).toEqual([[false, true], 1]);
  await vi.advanceTimersByTimeAsync(600);
  expect(watches.length).toBe(2);
  watches[1]!.push(entry('node.n', 1));
  await soon();
  expect(told.at(-1)).toEqual({ kind: 'node', record, revision: 1 });
});

test('after its end it begins nothing', async () => {
  watch.wrote(7);
  watch.close();
  expect(vi.getTimerCount()).toBe(0); // one would keep the process from ending
  await looks(10);
  expect([watches.length, watches[0]!.isStopped]).toEqual([1, true]);
});
