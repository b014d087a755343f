/**
 * The target's half of a move (docs/migration.md): takes a program, and begins to run it when it is told to commit.
 *
 *     hello --> | bytes, look --> ready, compiled | bytes, prepare --> prepared | commit --> running
 *
 * The end of the link before `commit` ends all of it, and nothing is left. After it the program runs, whatever becomes
 * of the link. What comes is hostile input: each message only where it belongs.
 */

import { InputError, WagSnapError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { type Channel, within } from './channel.js';
import { LinkError } from './errors.js';
import type { Bytes, Hello, Message, MessageOf } from './messages.js';
import { PROTOCOL } from './messages.js';

/** A process that is complete, and has not begun. */
export interface HeldProgram {
  readonly pid: number;
  /** Where its output goes, for people. */
  readonly output: string;
  /** @returns false when it has not begun and never will, as it has ended */
  begin(): Promise<boolean>;
}

/** What a move needs of the machine that takes the program. */
export interface TargetHost {
  write(piece: Bytes): Promise<void>;
  /** Whether all that the program needs is here. @throws what is wrong, all of it */
  look(hello: Hello, size: number): Promise<Omit<MessageOf<'ready'>, 'name'>>;
  /** Makes the image ready. */
  compile(): Promise<Omit<MessageOf<'compiled'>, 'name'>>;
  /** Makes the process, up to its first instruction. */
  prepare(size: number): Promise<HeldProgram>;
  /** Ends a process that has not begun; removes everything that no running program needs. */
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
  /** Of the program that runs; undefined when there is none. */
  readonly pid: number | undefined;
  /** Why there is none, when the other side has not heard it: it is gone. */
  readonly lost?: string;
}

/** Milliseconds that the other side has to hear of a failure. */
const LAST_WORDS = 2000;

/** Takes one program. Everything that goes wrong is told to the other side. */
export async function receiveProgram(
  channel: Channel,
  host: TargetHost,
  onEvent: (event: ReceiveEvent) => void = () => {},
): Promise<Received> {
  try {
    const hello = await expect(channel, host, undefined, 'hello');
    if (hello.protocol !== PROTOCOL) throw otherProtocol(hello);
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

/** The other side has said so. */
class Cancelled extends Error {
  constructor(reason: string) {
    super(`the other side has given it up: ${reason}`);
  }
}

/** Takes pieces of a file, until the message comes that ends them. */
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
    if (message.name !== 'bytes' || message.file !== file) {
      throw new InputError('stream', `the other side has said "${message.name}" where "${name}" was expected`);
    }
    await host.write(message);
  }
}

function otherProtocol({ protocol, version }: Hello): InputError {
  const what = `wag-snap ${version} there speaks protocol ${protocol} of moves, this one ${PROTOCOL}`;
  return new InputError('protocol', `${what}: install the same version on both sides`);
}

/** And waits until it has been heard, so that it is not lost with the link. */
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
