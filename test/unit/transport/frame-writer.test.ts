/** What is sent may change once it was: sockets have copied it by then, and of others a copy is sent. */

import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough, type Readable, Writable } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { FrameReader } from '../../../src/transport/frame-reader.js';
import { FRAME_MAX, FrameWriter, Unwritten } from '../../../src/transport/frames.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();

/** Both ends of a connection. @param path of a socket in the file system; else it is of TCP */
async function socketPair(path?: string): Promise<[Socket, Socket]> {
  const server = path === undefined ? createServer().listen(0, '127.0.0.1') : createServer().listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const here = path ? createConnection(path) : createConnection((server.address() as AddressInfo).port, '127.0.0.1');
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

test('a stream that passes on what it is given has a copy', async () => {
  const stream = new PassThrough();
  const data = Buffer.alloc(100, 1);
  await new FrameWriter(stream).write(4, [data]);
  data.fill(2);
  expect((await new FrameReader(stream).next())?.payload).toEqual(Buffer.alloc(100, 1));
});

test('what nobody reads any more was not written', async () => {
  const [here, there] = await socketPair(join(folder, 'socket'));
  const writer = new FrameWriter(here);
  there.destroy();
  await expect(writer.write(4, [Buffer.alloc(8)])).rejects.toBeInstanceOf(Unwritten);
  const [other] = await socketPair(join(folder, 'other'));
  const late = new FrameWriter(other);
  other.destroy();
  await expect(late.write(4, [Buffer.alloc(8)])).rejects.toBeInstanceOf(Unwritten);
});

test('of what was being written when the stream failed, nobody knows', async () => {
  let fail = (_: Error) => {};
  const stream = new Writable({
    write: (_data, _encoding, done) => {
      fail = done;
    },
  });
  const writing = new FrameWriter(stream).write(4, [Buffer.alloc(8)]);
  fail(new Error('so'));
  const failure: unknown = await writing.catch((error) => error);
  expect([failure instanceof Error, failure instanceof Unwritten]).toEqual([true, false]);
});
