/** What is sent may change once it was: sockets have copied it by then, and of others a copy is sent. */

import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { FRAME_MAX, FrameReader, FrameWriter } from '../../../src/transport/frames.js';

/** Both ends of a connection. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const here = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
  const [there] = await accepted;
  server.close();
  onTestFinished(() => {
    here.destroy();
    there.destroy();
  });
  return [here, there];
}

async function expectUnchanged(output: Writable, input: Readable): Promise<void> {
  const writer = new FrameWriter(output);
  const reader = new FrameReader(input);
  const buffers = [Buffer.alloc(FRAME_MAX), Buffer.alloc(FRAME_MAX)];
  const COUNT = 20;
  const writing = (async () => {
    for (let n = 0; n < COUNT; n++) await writer.write(n, [buffers[n % 2].fill(n)]);
  })();
  for (let n = 0; n < COUNT; n++) {
    const frame = await reader.next();
    expect([frame?.kind, frame?.payload.equals(Buffer.alloc(FRAME_MAX, n))]).toEqual([n, true]);
  }
  await writing;
}

test('to a socket', async () => {
  const [here, there] = await socketPair();
  await expectUnchanged(here, there);
});

test('to a stream that passes on what it is given', async () => {
  const stream = new PassThrough({ highWaterMark: 8 << 20 });
  await expectUnchanged(stream, stream);
});
