/**
 * The target's half of a move (docs/migration.md): takes a program, and runs it once it is told to commit.
 *
 *     hello --> welcome | bytes, look --> ready, compiled | bytes, prepare --> prepared | commit --> running
 *
 * If the link ends before `commit`, everything is undone and nothing is left. After `commit` the program runs, whatever
 * happens to the link. The source is hostile input: each message is accepted only in its place.
 */

import { InputError, WagSnapError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { trace } from '../base/trace.js';
import type { ProcessEnd } from './attached-streams.js';
import { type Channel, within } from './channel.js';
import { commonCodec, unpack } from './codec.js';
import { LinkError } from './errors.js';
import type { Bytes, Hello, Message, MessageOf, Packed } from './messages.js';

/** The streams of a program that has begun. */
export interface HeldStreams {
  /** Sends what it prints, from its first byte on. @returns how it has ended, after the last byte */
  forward(send: (stream: number, data: Uint8Array) => Promise<void>): Promise<ProcessEnd>;
  /** Resolves when there is room for more; nothing is the end. */
  input(data: Uint8Array): Promise<void>;
  /** Its input ends, and nothing more is forwarded. */
  detach(): void;
}

/** A process that is complete but has not begun. */
export interface HeldProgram {
  readonly pid: number;
  /** Where its output goes, for people. */
  readonly output: string;
  /** Lets it begin. @returns false when it ended before, so that it never began */
  begin(): Promise<boolean>;
  /** Those of one that was asked for with its streams. */
  readonly streams?: HeldStreams | undefined;
}

/** What a move needs from the host that takes the program. */
export interface TargetHost {
  write(piece: Bytes): Promise<void>;
  /** Checks that everything the program needs is here. @throws all that is missing, at once */
  look(hello: Hello, size: number): Promise<Omit<MessageOf<'ready'>, 'name'>>;
  /** Compiles the image. */
  compile(): Promise<Omit<MessageOf<'compiled'>, 'name'>>;
  /** Makes the process, up to but without its first instruction. */
  prepare(size: number): Promise<HeldProgram>;
  /** Ends a process that has not begun. Removes everything that no running program needs. */
  discard(): Promise<void>;
}

/** What happens on the way, in this order; `failed` ends it at any step. */
export type ReceiveEvent =
  /** The program may come. */
  | { readonly event: 'ready'; readonly workload: string | undefined; readonly arch: string }
  | { readonly event: 'compiled'; readonly cached: boolean }
  | { readonly event: 'prepared'; readonly pid: number }
  | { readonly event: 'running'; readonly pid: number; readonly output: string }
  /** Nothing runs, and nothing is left. */
  | { readonly event: 'failed'; readonly why: string };

export interface Received {
  /** The program's pid; undefined when it does not run. */
  readonly pid: number | undefined;
  /** Why it does not run, when the link was gone before the source could be told. */
  readonly lost?: string;
}

/** How long to wait until the source has received the failure, in milliseconds. */
const LAST_WORDS = 2000;

/** Takes one program. Reports every failure to the source. */
export async function receiveProgram(
  channel: Channel,
  host: TargetHost,
  onEvent: (event: ReceiveEvent) => void = () => {},
): Promise<Received> {
  try {
    const hello = await expect(channel, host, undefined, 'hello');
    const codec = commonCodec(hello.codecs);
    await channel.send({ name: 'welcome', version: ownPackage().version, codec: codec ?? null });
    const { size } = await expect(channel, host, 'outline', 'look');
    const ready = await host.look(hello, size);
    await channel.send({ name: 'ready', ...ready });
    onEvent({ event: 'ready', workload: hello.workload ?? undefined, arch: ready.arch });
    const compiled = await host.compile();
    await channel.send({ name: 'compiled', ...compiled });
    onEvent({ event: 'compiled', ...compiled });
    const held = await host.prepare((await expect(channel, host, 'snapshot', 'prepare')).size);
    await channel.send({ name: 'prepared', pid: held.pid });
    onEvent({ event: 'prepared', pid: held.pid });
    const { pid } = await expect(channel, host, undefined, 'commit');
    if (pid !== held.pid) throw new InputError('stream', `the other side commits to pid ${pid}, which is not prepared`);
    if (!(await held.begin())) {
      throw new InputError('not-started', `pid ${held.pid} ended before it could begin`);
    }
    trace('move', () => `pid ${held.pid} runs`);
    onEvent({ event: 'running', pid: held.pid, output: held.output });
    await channel.send({ name: 'running', pid: held.pid, output: held.output }).catch(() => {});
    if (hello.attach && held.streams) await serveStreams(channel, held.streams);
    return { pid: held.pid };
  } catch (error) {
    onEvent({
      event: 'failed',
      why: error instanceof WagSnapError ? error.headline : String((error as Error).message),
    });
    if (error instanceof LinkError) return { pid: undefined, lost: error.message };
    if (!(error instanceof Cancelled)) await tell(channel, error);
    return { pid: undefined };
  } finally {
    await host.discard();
  }
}

/** Until the program ends, or the other side does: that is how it detaches. Never fails. */
async function serveStreams(channel: Channel, streams: HeldStreams): Promise<void> {
  const ends = (async () => {
    const end = await streams.forward((stream, data) => channel.send({ name: 'output', stream, data }));
    await channel.send({ name: 'ended', ...end });
  })();
  const types = (async () => {
    for (;;) {
      const message = await channel.receive();
      if (message.name !== 'input') throw new InputError('stream', `"${message.name}" is no input of a program`);
      await streams.input(message.data);
    }
  })();
  await Promise.race([ends, types]).catch(() => {});
  streams.detach();
  types.catch(() => {});
  await ends.catch(() => {});
}

/** The source has cancelled the move. */
class Cancelled extends Error {
  constructor(reason: string) {
    super(`the other side has given it up: ${reason}`);
  }
}

/** Takes pieces of a file, until the message that ends them. */
async function expect<N extends Message['name']>(
  channel: Channel,
  host: TargetHost,
  file: Bytes['file'] | undefined,
  name: N,
): Promise<MessageOf<N>> {
  for (;;) {
    const message = await channel.receive();
    if (message.name === name) return message as MessageOf<N>;
    if (message.name === 'cancel') throw new Cancelled(message.reason);
    if ((message.name !== 'bytes' && message.name !== 'packed') || message.file !== file) {
      throw new InputError('stream', `the other side has said "${message.name}" where "${name}" was expected`);
    }
    await host.write(message.name === 'bytes' ? message : await unpacked(message));
  }
}

async function unpacked({ file, offset, codec, length, data }: Packed): Promise<Bytes> {
  return { name: 'bytes', file, offset, data: await unpack(codec, data, length) };
}

/** Sends the failure and waits until it is received, so that closing the link does not lose it. */
async function tell(channel: Channel, error: unknown): Promise<void> {
  const known = error instanceof WagSnapError;
  const failed: Message = {
    name: 'failed',
    code: known ? error.code : 'bug',
    exitCode: known ? error.exitCode : 70,
    headline: known ? error.headline : String((error as Error)?.stack ?? error).slice(0, 4000),
    details: known ? error.details.slice(0, 1000) : [],
  };
  const heard = async () => {
    await channel.send(failed);
    for (;;) if ((await channel.receive()).name === 'cancel') return;
  };
  await within(LAST_WORDS, undefined, heard()).catch(() => {});
}
