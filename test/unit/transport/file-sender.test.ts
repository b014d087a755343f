/** A sent file arrives as it is, compressed or not, and no faster than the limit. */

import { createHash } from 'node:crypto';
import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ToolError } from '../../../src/base/errors.js';
import { commonCodec, ownCodecs, pack, unpack } from '../../../src/transport/codec.js';
import { type SenderOptions, sendFile } from '../../../src/transport/file-sender.js';
import { type Bytes, decodeMessage, encodeMessage, type Packed, PIECE } from '../../../src/transport/messages.js';
import { RateLimit } from '../../../src/transport/rate-limit.js';
import { random } from '../../support/random.js';

/** Some of it can be made smaller, and some cannot. */
function contents(size: number): Buffer {
  const next = random(7);
  return Buffer.from(Array.from({ length: size }, (_, at) => (at % 3 === 0 ? next() * 256 : at >> 12)));
}

const fileOf = (bytes: Buffer, changed: { offset: number; length: number }[]) => ({
  size: bytes.length,
  changed,
  read: async (target: Buffer, offset: number) => bytes.copy(target, 0, offset),
});

/** A sender whose messages go through their encoding, and the file there. */
function there(size: number, limit = new RateLimit(undefined)) {
  const file = Buffer.alloc(size);
  const names: string[] = [];
  let wire = 0;
  const options: SenderOptions = {
    limit,
    say: async (message) => {
      await soon(); // its bytes may not change until it is said
      const { kind, parts } = encodeMessage(message);
      const piece = decodeMessage(kind, Buffer.concat(parts)) as Bytes | Packed;
      names.push(piece.name);
      const data = piece.name === 'bytes' ? piece.data : await unpack(piece.codec, piece.data, piece.length);
      Buffer.from(data).copy(file, piece.offset);
    },
    onSent: (_bytes, _of, sent) => {
      wire += sent;
    },
  };
  return { file, names, options, wire: () => wire };
}

const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test.each([undefined, ...ownCodecs()])('a file is there as it was: %s', async (codec) => {
  const bytes = contents(3 * PIECE + 1234);
  const target = there(bytes.length);
  const changed = [
    { offset: 0, length: 2 * PIECE + 5 },
    { offset: 2 * PIECE + 5, length: PIECE + 1229 },
  ];
  expect(await sendFile('snapshot', fileOf(bytes, changed), codec, target.options)).toBe(bytes.length);
  expect(digest(target.file)).toBe(digest(bytes));
  expect(target.wire() < bytes.length).toBe(codec !== undefined);
});

test('what does not get smaller goes as it is, and in order', async () => {
  const noise = Buffer.from(Array.from({ length: 2 * PIECE }, () => Math.random() * 256));
  const bytes = Buffer.concat([noise.subarray(0, PIECE), Buffer.alloc(PIECE), noise.subarray(PIECE)]);
  const target = there(bytes.length);
  await sendFile('outline', fileOf(bytes, [{ offset: 0, length: bytes.length }]), 'brotli', target.options);
  expect(target.names).toEqual(['bytes', 'packed', 'bytes']);
  expect(digest(target.file)).toBe(digest(bytes));
});

test('a file that has become shorter is an error', async () => {
  const short = fileOf(Buffer.alloc(10), [{ offset: 0, length: 20 }]);
  await expect(sendFile('outline', short, 'brotli', there(20).options)).rejects.toThrow(ToolError);
});

test('the best way that both sides have is taken', () => {
  expect(commonCodec([])).toBeUndefined();
  expect(commonCodec(['snappy'])).toBeUndefined();
  expect(commonCodec(['brotli', 'zstd'])).toBe(ownCodecs()[0]);
  expect(ownCodecs()).toContain('brotli');
});

test('what is packed comes out in its length only', async () => {
  const packed = await pack('brotli', Buffer.alloc(1000));
  expect(await unpack('brotli', packed, 1000)).toEqual(Buffer.alloc(1000));
  for (const length of [0, 999, 1001]) await expect(unpack('brotli', packed, length)).rejects.toThrow(/no brotli/);
});

test.each([1000, 100_000, 50_000_000])('no more than %d bytes a second are sent', async (rate) => {
  let now = 5000;
  const clock = {
    now: () => now,
    sleep: async (time: number) => {
      now += time;
    },
  };
  const limit = new RateLimit(rate, clock);
  const bytes = Buffer.alloc(Math.min(10 * rate, 3 * PIECE));
  const target = there(bytes.length, limit);
  await sendFile('snapshot', fileOf(bytes, [{ offset: 0, length: bytes.length }]), undefined, target.options);
  await limit.take(1); // by when all of it is there
  const expected = (bytes.length / rate) * 1000;
  expect(now - 5000).toBeGreaterThan(expected * 0.999);
  expect(now - 5000).toBeLessThan(expected * 1.001 + 100);
  expect(target.names.length).toBeGreaterThan(1);
});
