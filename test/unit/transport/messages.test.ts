/** What a hostile peer may send: every stream of bytes gives messages in their order, or one clear error. */

import { PassThrough, Writable } from 'node:stream';
import { brotliCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { WagSnapError } from '../../../src/base/errors.js';
import { type Channel, streamChannel, within } from '../../../src/transport/channel.js';
import { LinkError } from '../../../src/transport/errors.js';
import { FRAME_MAX, FrameWriter, Unwritten } from '../../../src/transport/frames.js';
import { decodeMessage, encodeMessage, type Message, PIECE, PROTOCOL } from '../../../src/transport/messages.js';
import { type Received, receiveProgram, type TargetHost } from '../../../src/transport/target.js';
import { random } from '../../support/random.js';

const HELLO: Message = {
  name: 'hello',
  protocol: PROTOCOL,
  version: '1',
  arch: 'arm64',
  workload: 'job',
  dirs: [{ host: '/a', guest: '/b', readOnly: true }],
  listen: ['127.0.0.1:80'],
  fds: [
    [3, 'ignore'],
    [4, { path: '/c' }],
  ],
  sameDirs: false,
  strictFiles: true,
  maxMemory: 2 ** 33,
  attach: true,
  from: 'here (pid 1)',
  codecs: ['zstd'],
  outputDir: '/out',
};
const MODULE: Message = { name: 'bytes', file: 'modules', offset: 0, data: Buffer.from('abcd') };
const MODULES: Message = { name: 'modules', size: 4 };
const MESSAGES: readonly Message[] = [
  HELLO,
  { name: 'bytes', file: 'outline', offset: 2 ** 40, data: Buffer.from('abc') },
  { name: 'look', size: 3, memory: 9 },
  { name: 'bytes', file: 'snapshot', offset: 0, data: Buffer.alloc(0) },
  { name: 'prepare', size: 5, missing: null },
  { name: 'commit', pid: 7 },
  { name: 'cancel', reason: 'so' },
  { name: 'welcome', version: '1', codec: 'brotli' },
  { name: 'ready', version: '1', arch: 'x64', host: 'there', warnings: ['w'], needsModules: true },
  { name: 'compiled', cached: true, preparing: 21 },
  { name: 'prepared', pid: 7 },
  { name: 'running', pid: 7, output: '/out/7' },
  { name: 'failed', code: 'x', exitCode: 3, headline: 'h', details: ['d'] },
  { name: 'prepare', size: 5, missing: Buffer.of(1, 255, 0) },
  { name: 'arrived', unit: 2 ** 28, count: 1 },
  { name: 'want', unit: 7 },
  { name: 'whole', pid: 7 },
  { name: 'round', round: 3 },
  { name: 'received', round: 3 },
  MODULE,
  MODULES,
];

/** What it has done, without a program. */
class Host implements TargetHost {
  readonly did: string[] = [];
  constructor(private readonly needsModules = false) {}
  write = async ({ file, data }: { file: string; data: Uint8Array }) => void this.did.push(`${file} ${data.length}`);
  look = async () => {
    this.did.push('look');
    return { version: '1', arch: 'x64' as const, host: 'there', warnings: [], needsModules: this.needsModules };
  };
  takeModules = async (size: number) => void this.did.push(`modules of ${size}`);
  compile = async () => ({ cached: false, preparing: 0 });
  prepare = async () => {
    this.did.push('prepare');
    return { pid: 7, output: '', begin: async () => this.did.push('begin') > 0 };
  };
  discard = async () => void this.did.push('discard');
}

/** A target that is sent messages, or any bytes. */
async function received(
  sent: readonly (Message | Buffer)[],
  host = new Host(),
): Promise<{ result: Received; host: Host; said: Message[] }> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const over = receiveProgram(streamChannel(input, output), host).finally(() => output.end());
  const writer = new FrameWriter(input);
  const sending = (async () => {
    for (const message of sent) {
      if (Buffer.isBuffer(message)) input.write(message);
      else {
        const { kind, parts } = encodeMessage(message);
        await writer.write(kind, parts);
      }
    }
    input.end();
  })();
  const said: Message[] = [];
  const replies: Channel = streamChannel(output, new PassThrough());
  for (;;) {
    const message = await replies.receive().catch(() => undefined);
    if (message === undefined) break;
    said.push(message);
  }
  await sending;
  return { result: await over, host, said };
}

test.each(MESSAGES.map((message) => [message.name, message] as const))('%s arrives as it was', (_, message) => {
  const { kind, parts } = encodeMessage(message);
  expect(decodeMessage(kind, Buffer.concat(parts))).toEqual(message);
});

test('each message has its place', async () => {
  const [hello, outline, look, snapshot, prepare, commit] = MESSAGES;
  const whole = [hello, outline, look, snapshot, prepare, commit];
  expect((await received(whole)).host.did).toEqual(['outline 3', 'look', 'snapshot 0', 'prepare', 'begin', 'discard']);
  await eachHasItsPlace(whole, false);
});

test('modules are taken when they are needed, and only then', async () => {
  const [hello, outline, look, snapshot, prepare, commit] = MESSAGES;
  const whole = [hello, outline, look, MODULE, MODULES, snapshot, prepare, commit];
  const { did } = (await received(whole, new Host(true))).host;
  expect(did.slice(1, 5)).toEqual(['look', 'modules 4', 'modules of 4', 'snapshot 0']);
  await eachHasItsPlace(whole, true);
});

/** Another message at any place ends it, and nothing begins. */
async function eachHasItsPlace(whole: readonly Message[], needsModules: boolean): Promise<void> {
  const ending = { outline: 'look', modules: 'modules', snapshot: 'prepare' };
  for (let at = 0; at < whole.length; at++) {
    for (const message of MESSAGES) {
      const isExpected = message === whole[at] || message.name === whole[at].name;
      const isPiece = message.name === 'bytes' && whole[at].name === ending[message.file];
      const isRound = message.name === 'round' && ending.snapshot === whole[at].name;
      if (isExpected || isPiece || isRound || message.name === 'cancel') continue;
      const sent = [...whole.slice(0, at), message, ...whole.slice(at)];
      const { result, host, said } = await received(sent, new Host(needsModules));
      // a piece more of a file is none too many
      const place = whole[at];
      const isMore = message.name === 'bytes' && place.name === 'bytes' && message.file === place.file;
      const isInRound = message.name === 'round' && place.name === 'bytes' && place.file === 'snapshot';
      if (isMore || isInRound) continue;
      const where = `${message.name} before ${whole[at].name}`;
      expect([where, result.pid, said.at(-1)?.name]).toEqual([where, undefined, 'failed']);
      expect(host.did, where).not.toContain('begin');
      expect(host.did.at(-1), where).toBe('discard');
    }
  }
}

test.each([
  [
    'another protocol',
    [{ ...HELLO, protocol: PROTOCOL + 1 } as Message],
    /speaks protocol 7 of moves, the target .* 6: install the same/,
  ],
  ['another pid', [...MESSAGES.slice(0, 5), { name: 'commit', pid: 8 } as Message], /commits to pid 8/],
  ['another file', [HELLO, MESSAGES[3]], /"bytes" where "look" was expected/],
  ['no msgpack', [Buffer.from([1, 0, 0, 0, 1, 0xc1])], /cannot be understood/],
  ['a field too many', [frame(2, Buffer.from([0x82, 0xa4, ...Buffer.from('size'), 1, 0xa1, 0x61, 1]))], /look/],
  ['an unknown kind', [frame(99, Buffer.alloc(0))], /kind 99/],
  [
    'a file of a negative size',
    [HELLO, frame(2, Buffer.from([0x81, 0xa4, ...Buffer.from('size'), 0xff]))],
    /look: size/,
  ],
  [
    'another protocol with other fields',
    [frame(1, Buffer.from([0x82, ...named('protocol'), 9, ...named('version'), 0xa1, 0x39]))],
    /the source .wag-snap 9. speaks protocol 9/,
  ],
  ['a piece that is not compressed', [HELLO, piece(0, 1, 4, Buffer.from('abcd'))], /a piece that is no brotli/],
  ['a piece that is longer than it says', [HELLO, piece(0, 1, 99, packedZeros(100))], /a piece that is no brotli/],
  ['a piece that is shorter than it says', [HELLO, piece(0, 1, 101, packedZeros(100))], /a piece that is no brotli/],
  ['a piece that would be huge', [HELLO, piece(0, 1, PIECE + 1, packedZeros(100))], /is compressed in no way/],
  ['a piece that is compressed in a way of its own', [HELLO, piece(0, 9, 1, Buffer.alloc(1))], /in no way/],
  ['too long a message', [Buffer.from([1, 0, 0, 0x7f, 1])], /a message of \d+ bytes/],
])('%s is one clear error', async (_, sent, message) => {
  const { result, said, host } = await received(sent);
  expect(result).toEqual({ pid: undefined });
  expect(said.at(-1)).toMatchObject({ name: 'failed', exitCode: 3, headline: expect.stringMatching(message) });
  expect(host.did.at(-1)).toBe('discard');
});

test('a cancelled move, and one whose link ends, leave nothing', async () => {
  const cancelled = await received([...MESSAGES.slice(0, 5), { name: 'cancel', reason: 'no' }]);
  expect(cancelled.result).toEqual({ pid: undefined });
  expect(cancelled.host.did.slice(-2)).toEqual(['prepare', 'discard']);
  expect(cancelled.said.at(-1)?.name).toBe('prepared'); // and no word after it
  const cut = await received([...MESSAGES.slice(0, 5), Buffer.from([1, 0, 0])]);
  expect(cut.result.lost).toMatch(/is gone/);
  expect(cut.host.did.at(-1)).toBe('discard');
});

test('mutated streams end in messages, an error, or the end of the link', async () => {
  const next = random(Number(process.env['WAGSNAP_SEED'] ?? 1));
  const below = (limit: number) => Math.floor(next() * limit);
  const frames = MESSAGES.slice(0, 6).map((message) => {
    const { kind, parts } = encodeMessage(message);
    return frame(kind, Buffer.concat(parts));
  });
  const whole = Buffer.concat(frames);
  const rounds = Number(process.env['MUTATIONS'] ?? 2000);
  for (let n = 0; n < rounds; n++) {
    const bytes = Buffer.from(whole);
    for (let k = 0; k <= below(4); k++) bytes[below(bytes.length)] = below(256);
    const stream = new PassThrough();
    stream.end(bytes.subarray(0, bytes.length - below(20)));
    const channel = streamChannel(stream, new PassThrough());
    for (let count = 0; ; count++) {
      expect(count).toBeLessThan(FRAME_MAX);
      try {
        await channel.receive();
      } catch (error) {
        expect(error, `mutation ${n}`).toBeInstanceOf(WagSnapError);
        break;
      }
    }
  }
});

test('who says nothing is given up, and who has gone is gone', async () => {
  const silent = streamChannel(new PassThrough(), new PassThrough());
  await expect(within(1, undefined, silent.receive())).rejects.toThrow(LinkError);
  await expect(within(60_000, AbortSignal.abort('SIGINT'), silent.receive())).rejects.toThrow(/interrupted by SIGINT/);
  const broken = new PassThrough();
  const channel = streamChannel(new PassThrough(), broken);
  broken.destroy(new Error('EPIPE'));
  await new Promise((resolve) => setImmediate(resolve));
  await expect(channel.send({ name: 'commit', pid: 1 })).rejects.toThrow(LinkError);
});

test('what the other side has read was sent, even when it has ended by then', async () => {
  let written = '';
  const leaving = new Writable({
    writev(chunks, done) {
      if (written !== '') return done(new Error('EPIPE'));
      written = Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)).toString('latin1');
      done();
    },
  });
  leaving.on('error', () => {});
  const writer = new FrameWriter(leaving);
  await writer.write(4, [Buffer.from('a'), Buffer.from('bc')]);
  expect(written).toBe('\x03\0\0\0\x04abc');
  await expect(writer.write(4, [])).rejects.toThrow('EPIPE');
  await expect(writer.write(4, [])).rejects.toBeInstanceOf(Unwritten);
});

/** A piece of a file, as it would be compressed. */
function piece(file: number, codec: number, length: number, data: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head[0] = file;
  head[9] = codec;
  head.writeUInt32LE(length, 10);
  return frame(17, Buffer.concat([head, data]));
}

function packedZeros(length: number): Buffer {
  return brotliCompressSync(Buffer.alloc(length));
}

/** The name of a field, in msgpack. */
function named(text: string): number[] {
  return [0xa0 | text.length, ...Buffer.from(text)];
}

function frame(kind: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(payload.length);
  head[4] = kind;
  return Buffer.concat([head, payload]);
}
