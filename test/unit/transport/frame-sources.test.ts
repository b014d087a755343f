/**
 * Frames from a descriptor that is read in place, and from a stream: however their bytes come, and however late they are
 * asked for.
 */

import { spawnSync } from 'node:child_process';
import { constants, createWriteStream, openSync, type WriteStream } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as soon } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FrameReader } from '../../../src/transport/frame-reader.js';
import { FRAME_MAX, type Frame, type FrameSource, HEAD } from '../../../src/transport/frames.js';
import { SocketFrames } from '../../../src/transport/socket-frames.js';
import { random } from '../../support/random.js';
import { seed } from '../../support/sampling.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
let pipes = 0;

interface Reading {
  readonly frames: FrameSource;
  close(): void;
}

const WAYS: Readonly<Record<string, (descriptor: number) => Reading>> = {
  'in place': (descriptor) => {
    const frames = new SocketFrames(descriptor);
    return { frames, close: () => frames.close() };
  },
  'of a stream': (descriptor) => {
    const stream = new Socket({ fd: descriptor, readable: true, writable: false });
    return { frames: new FrameReader(stream), close: () => stream.destroy() };
  },
};

/** The two ends of a pipe. */
function pipe(read: (descriptor: number) => Reading): Reading & { output: WriteStream } {
  const path = join(folder, `pipe-${pipes++}`);
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  const reading = read(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const output = createWriteStream(path);
  output.on('error', () => {}); // nobody reads any more
  onTestFinished(() => {
    reading.close();
    output.destroy();
  });
  return { ...reading, output };
}

function frame(kind: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(payload.length);
  head[4] = kind;
  return Buffer.concat([head, payload]);
}

/** Writes bytes in parts, whose sizes are `size`'s. */
function write(output: WriteStream, bytes: Buffer, size: () => number): void {
  for (let at = 0; at < bytes.length; ) output.write(bytes.subarray(at, (at += size())));
  output.end();
}

/** Each frame's own bytes: its number, again and again. */
const contents = (n: number, length: number) => Buffer.alloc(length, (n % 251) + 1);

/** Reads all, and looks at each payload again as long as it is valid. */
async function readAll(frames: FrameSource, wait: () => boolean): Promise<number[]> {
  const lengths: number[] = [];
  let last: Frame | undefined;
  const check = (frame: Frame | undefined, n: number) => {
    if (frame && !frame.payload.equals(contents(n, frame.payload.length))) throw new Error(`frame ${n} has changed`);
  };
  for (let n = 0; ; n++) {
    if (wait()) await soon();
    const next = await frames.next();
    for (let turn = 0; turn < 3; turn++) await soon(); // what is read ahead must not be read into it
    check(last, n - 1);
    if (next === undefined) return lengths;
    expect(next.kind).toBe(n % 200);
    check(next, n);
    lengths.push(next.payload.length);
    last = next;
  }
}

describe.each(Object.entries(WAYS))('%s', (_, read) => {
  test(`they arrive as they were, and stay so until the next but one is asked for (seed ${seed})`, async () => {
    const next = random(seed);
    const oneOf = (list: readonly number[]) => list[Math.floor(next() * list.length)];
    const sizes = [0, 1, 9, 300, 4000, 65_536, 500_000, FRAME_MAX - 1, FRAME_MAX];
    for (let round = 0; round < 6; round++) {
      const lengths = Array.from({ length: 40 }, () => (round === 0 ? FRAME_MAX : oneOf(sizes)));
      const all = Buffer.concat(lengths.map((length, n) => frame(n % 200, contents(n, length))));
      const { frames, output } = pipe(read);
      const part = round < 2 ? all.length : 0;
      write(output, all, () => part || oneOf([1, 4, 5, 6, 1000, 65_536, 100_000, 1_000_000]));
      expect(await readAll(frames, () => round % 2 === 0 && next() < 0.5)).toEqual(lengths);
    }
  });

  test('what came before the end is not lost, a beginning of a frame is none', async () => {
    const { frames, output } = pipe(read);
    const whole = Array.from({ length: 5000 }, (_, n) => frame(n % 200, contents(n, 20)));
    write(output, Buffer.concat([...whole, Buffer.of(4, 0, 0, 0, 1, 2)]), () => 1 << 20);
    expect(await readAll(frames, () => true)).toHaveLength(5000);
    expect(await frames.next()).toBeUndefined();
  });

  test('too long a frame is refused after those before it, each time that it is asked for', async () => {
    const { frames, output } = pipe(read);
    const long = Buffer.alloc(HEAD);
    long.writeUInt32LE(FRAME_MAX + 1);
    output.write(Buffer.concat([frame(7, Buffer.of(1)), long]));
    expect((await frames.next())?.kind).toBe(7);
    const refused = /is not wag-snap's: a message of 1048641 bytes/;
    await expect(frames.next()).rejects.toThrow(refused);
    await expect(frames.next()).rejects.toThrow(refused);
  });

  test('who waits hears that it was closed', async () => {
    const { frames, close } = pipe(read);
    const waiting = frames.next();
    close();
    expect(await waiting).toBeUndefined();
  });
});
