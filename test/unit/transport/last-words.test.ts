/** What one side has said last is heard, even when its end is seen first. */

import { PassThrough } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { streamChannel } from '../../../src/transport/channel.js';
import { receiveProgram, type TargetHost } from '../../../src/transport/target.js';
import { HELLO } from '../../support/hello.js';

test('what has come before the connection failed is heard', async () => {
  const stream = new PassThrough();
  const other = streamChannel(new PassThrough(), stream);
  const channel = streamChannel(stream, new PassThrough());
  await other.send({ name: 'running', pid: 7, output: '/out' });
  await other.send({ name: 'whole', pid: 7 });
  stream.destroy(new Error('EPIPE')); // as when something is written to a side that has ended
  await soon();
  expect(await channel.receive()).toEqual({ name: 'running', pid: 7, output: '/out' });
  expect(await channel.receive()).toEqual({ name: 'whole', pid: 7 });
  await expect(channel.receive()).rejects.toThrow('is gone');
});

test('the connection may have failed before anybody listens', async () => {
  const stream = new PassThrough();
  await streamChannel(new PassThrough(), stream).send({ name: 'whole', pid: 7 });
  stream.destroy();
  await soon();
  const channel = streamChannel(stream, new PassThrough());
  expect(await channel.receive()).toEqual({ name: 'whole', pid: 7 });
  await expect(channel.receive()).rejects.toThrow('is gone');
});

test('a target whose program runs leaves after the source', async () => {
  const [there, here] = [new PassThrough(), new PassThrough()];
  const host = {
    write: async () => {},
    look: async () => ({ version: '1', arch: 'x64', host: 'there', warnings: [], needsModules: false }),
    compile: async () => ({ cached: true, preparing: 0 }),
    prepare: async () => ({ pid: 7, output: '/out', begin: async () => true }),
    discard: async () => {},
  } as unknown as TargetHost;
  let hasLeft = false;
  const target = receiveProgram(streamChannel(there, here), host).finally(() => {
    hasLeft = true;
  });
  const source = streamChannel(here, there);
  for (const [message, answers] of [
    [HELLO, ['welcome']],
    [{ name: 'look', size: 0, memory: 0 }, ['ready', 'compiled']],
    [{ name: 'prepare', size: 0, missing: null }, ['prepared']],
    [{ name: 'commit', pid: 7 }, ['running']],
  ] as const) {
    await source.send(message);
    for (const answer of answers) expect((await source.receive()).name).toBe(answer);
  }
  for (let n = 0; n < 20; n++) await soon();
  expect(hasLeft).toBe(false);
  await source.send({ name: 'cancel', reason: 'it is too late' }); // it is read, and means nothing any more
  there.end();
  expect(await target).toEqual({ pid: 7 });
});
