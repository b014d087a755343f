/** A slow link is not a silent one: as long as bytes arrive at the target, it says so, and the source waits. */

import { PassThrough } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { type Channel, streamChannel } from '../../../src/transport/channel.js';
import { encodeMessage, type Message, PIECE } from '../../../src/transport/messages.js';
import type { MovingProgram, ProgramTaker } from '../../../src/transport/moving-program.js';
import { moveProgram } from '../../../src/transport/source.js';
import { receiveProgram, type TargetHost } from '../../../src/transport/target.js';
import { HELLO } from '../../support/hello.js';

afterEach(() => void vi.useRealTimers());

const outline = { size: PIECE, changed: [{ offset: 0, length: PIECE }], read: async (to: Buffer) => to.length };
const program: MovingProgram = {
  pid: 1,
  outline: (send) => send(outline, PIECE),
  modules: () => outline,
  handOver: () => Promise.reject(new Error('it is a dry run')),
};

/** A source whose first piece is stuck: what it says is not read. */
function stuck(patience: number) {
  const [there, here] = [new PassThrough(), new PassThrough()];
  const over = moveProgram(streamChannel(here, there), program, HELLO, { patience, dryRun: true });
  over.catch(() => {});
  return { over, link: there, target: streamChannel(new PassThrough(), here) };
}

test('the source waits while the target says that something comes', async () => {
  const { over, link, target } = stuck(1000);
  while (link.writableLength < PIECE) await soon(); // it sends, and does not read what it is told meanwhile
  await target.send({ name: 'welcome', version: '1', codec: null });
  for (const end = performance.now() + 2500; performance.now() < end; ) {
    await target.send({ name: 'busy', with: 'receiving' });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const heard = streamChannel(link, new PassThrough());
  while ((await heard.receive()).name !== 'look');
  await target.send({ name: 'ready', version: '1', arch: 'x64', host: 'there', warnings: [], needsModules: false });
  expect((await over).host).toBe('there');
});

test('a round that was not said is not received', async () => {
  const [there, here] = [new PassThrough(), new PassThrough()];
  const target = streamChannel(new PassThrough(), here);
  const rounds = { ...program, handOver: ({ round }: ProgramTaker) => round() };
  const over = moveProgram(streamChannel(here, there), rounds, HELLO, { patience: 10_000 });
  over.catch(() => {});
  const heard = streamChannel(there, new PassThrough());
  const until = async (name: Message['name']) => {
    while ((await heard.receive()).name !== name);
  };
  await until('hello');
  await target.send({ name: 'welcome', version: '1', codec: null });
  await until('look');
  await target.send({ name: 'ready', version: '1', arch: 'x64', host: 'there', warnings: [], needsModules: false });
  await until('round');
  await target.send({ name: 'received', round: 2 });
  await expect(over).rejects.toThrow('has said "received" where nothing was expected');
});

test('the source gives up a target that says nothing', async () => {
  await expect(stuck(200).over).rejects.toThrow('the other side has said nothing for 0 s');
});

/** A target that takes a program, and what it says. */
function target(): { link: PassThrough; source: Channel; replies: Channel } {
  const [there, here] = [new PassThrough(), new PassThrough()];
  const nothing = { write: async () => {}, discard: async () => {} } as unknown as TargetHost;
  void receiveProgram(streamChannel(there, here), nothing);
  return {
    link: there,
    source: streamChannel(new PassThrough(), there),
    replies: streamChannel(here, new PassThrough()),
  };
}

async function passes(milliseconds: number): Promise<void> {
  for (let n = 0; n < 20; n++) await soon();
  vi.advanceTimersByTime(milliseconds);
}

test('the target says that something comes while bytes of a piece come, and only then', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { link, source, replies } = target();
  const said: Message[] = [];
  const listening = (async () => {
    for (;;) said.push(await replies.receive());
  })().catch(() => {});
  await source.send(HELLO);
  const { parts } = encodeMessage({ name: 'bytes', file: 'outline', offset: 0, data: Buffer.alloc(1000) });
  const piece = Buffer.concat(parts);
  const head = Buffer.alloc(5, 16);
  head.writeUInt32LE(piece.length);
  link.write(Buffer.concat([head, piece.subarray(0, 100)]));
  await passes(3000);
  await passes(9000); // nothing has come meanwhile
  link.write(piece.subarray(100, 200));
  await passes(3000);
  await source.send({ name: 'cancel', reason: 'so' }); // within the piece: no message
  link.end();
  await passes(0);
  expect(said.map(({ name }) => name)).toEqual(['welcome', 'busy', 'busy']);
  expect(said[1]).toEqual({ name: 'busy', with: 'receiving' });
  link.destroy();
  void listening;
});
