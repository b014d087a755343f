/**
 * The source's half of a move (docs/migration.md): sends a program to the target, and makes sure that it continues in
 * one place only.
 *
 *     hello --> welcome | outline, look --> ready, compiled | stop, snapshot, prepare --> prepared | keep, commit --> running | end
 *
 * Until the program is kept, any failure lets it continue here, even the death of this tool. After that it continues
 * here only when the target says that it does not run there and never will.
 */

import { InputError, ToolError, WagSnapError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { AttachedStreams } from './attached-streams.js';
import { type Channel, within } from './channel.js';
import type { Codec } from './codec.js';
import { LinkError, RemoteError, UndecidedError } from './errors.js';
import { type SentFile, sendFile } from './file-sender.js';
import type { Hello, Message, MessageOf } from './messages.js';
import { RateLimit } from './rate-limit.js';

export type { SentFile };

/** When it was asked to stop, as performance.now() has it. */
export interface ParkedProgram {
  /** When it was asked to stop: performance.now(). */
  readonly stopRequested: number;
  /** Keeps it parked from now on, even if this tool dies. */
  keep(): Promise<void>;
  /** Lets it continue after keep(). */
  resumeKept(): Promise<void>;
  /** Ends it. @param successor where it continues, for its last message */
  end(successor: string): Promise<void>;
}

/** Takes a program. */
export interface ProgramTaker {
  /** Takes what has changed, while the program runs. */
  round(file: SentFile): Promise<void>;
  /** After a round: what has changed meanwhile, in bytes, and how long it would take, in milliseconds. */
  left(bytes: number, pause: number): void;
  /** It stands still, and continues when this is through, unless it was kept or ended. */
  take(parked: ParkedProgram, file: SentFile): Promise<void>;
}

/** The program that is to be moved. */
export interface MovingProgram {
  readonly pid: number;
  /** What it is and has open, without its memory. */
  outline(send: (file: SentFile) => Promise<void>): Promise<void>;
  /**
   * Stops it when little is left to be sent, and gives `take` all of its state. Afterwards it continues, unless it was
   * kept or ended.
   */
  handOver(taker: ProgramTaker): Promise<void>;
}

export interface MoveOptions {
  /** Only check: nothing is stopped or started. */
  readonly dryRun?: boolean;
  /** The program also continues here, so there are two of them afterwards. */
  readonly copy?: boolean;
  /** The longest silence of the other side while it is waited for, in milliseconds. */
  readonly patience: number;
  /** Ends the link once it was moved with its streams; undefined: without them. */
  readonly closeStreams?: (() => void) | undefined;
  /** Gives the move up, as long as it is not committed. */
  readonly signal?: AbortSignal;
  /** Bytes a second that may be sent. */
  readonly rate?: number | undefined;
  readonly onEvent?: (event: MoveEvent) => void;
}

/** What happens on the way, in this order. */
export type MoveEvent =
  /** `codec`: what is sent is compressed by it. */
  | { readonly event: 'connected'; readonly version: string; readonly codec: Codec | null }
  | { readonly event: 'ready'; readonly host: string; readonly arch: string; readonly warnings: readonly string[] }
  | { readonly event: 'compiled'; readonly cached: boolean }
  /**
   * All that has changed was sent, while the program ran: its number, from 1 on, bytes, the same on the way, and the time.
   */
  | {
      readonly event: 'round';
      readonly round: number;
      readonly bytes: number;
      readonly wire: number;
      readonly milliseconds: number;
    }
  /** What it has written meanwhile, and for how many milliseconds it would stand still for that. */
  | { readonly event: 'left'; readonly bytes: number; readonly downtime: number }
  | { readonly event: 'stopped' }
  /** Progress of sending. */
  | { readonly event: 'sent'; readonly bytes: number; readonly of: number }
  | { readonly event: 'prepared'; readonly pid: number };

export interface Moved {
  /** The other host's own name. */
  readonly host: string;
  /** The program's pid there; undefined after a dry run. */
  readonly pid: number | undefined;
  /** Where the program's output goes there. */
  readonly output: string;
  /** Bytes sent, of memory and everything else. */
  readonly bytes: number;
  /** The same as they were on the way, compressed. */
  readonly wire: number;
  /** Microseconds from the stop until the target said that the program runs. */
  readonly downtime: number;
  /** Of one that was asked for with its streams. Its link stays until it ends there, or is detached. */
  readonly streams?: AttachedStreams | undefined;
}

/**
 * @throws RemoteError, LinkError, ToolError, InputError: the program continues here; UndecidedError: it is kept
 */
export async function moveProgram(
  channel: Channel,
  program: MovingProgram,
  hello: Hello,
  options: MoveOptions,
): Promise<Moved> {
  return new Move(channel, program, options).run(hello);
}

class Move {
  private committed = false;
  /** An unexpected message from the target: it can only be `failed`. */
  private early: Promise<Message> | undefined;
  private hasAnswered = false;
  private bytes = 0;
  private wire = 0;
  private codec: Codec | undefined;
  private readonly limit: RateLimit;

  constructor(
    private readonly channel: Channel,
    private readonly program: MovingProgram,
    private readonly options: MoveOptions,
  ) {
    this.limit = new RateLimit(options.rate);
  }

  async run(hello: Hello): Promise<Moved> {
    const { program, options } = this;
    try {
      await this.say(hello);
      const { version, codec } = await this.expect('welcome');
      this.codec = codec ?? undefined;
      options.onEvent?.({ event: 'connected', version, codec });
      await program.outline(async (file) => {
        await this.sendFile('outline', file);
        await this.say({ name: 'look', size: file.size });
      });
      const { host, arch, warnings } = await this.expect('ready');
      options.onEvent?.({ event: 'ready', host, arch, warnings });
      if (options.dryRun) {
        await this.cancel('it was a dry run');
        return { host, pid: undefined, output: '', bytes: this.bytes, wire: this.wire, downtime: 0 };
      }
      const { cached } = await this.expect('compiled');
      options.onEvent?.({ event: 'compiled', cached });
      let moved: Moved | undefined;
      let rounds = 0;
      await program.handOver({
        round: async (file) => {
          const [start, wire] = [performance.now(), this.wire];
          const bytes = await this.sendFile('snapshot', file);
          const milliseconds = Math.round(performance.now() - start);
          options.onEvent?.({ event: 'round', round: ++rounds, bytes, wire: this.wire - wire, milliseconds });
        },
        left: (bytes, pause) => options.onEvent?.({ event: 'left', bytes, downtime: Math.ceil(pause) }),
        take: async (parked, file) => {
          moved = await this.handOver(parked, file, host);
        },
      });
      if (moved === undefined) throw new LinkError('the link ended before the program was handed over');
      return moved;
    } catch (error) {
      if (!this.committed) await this.cancel((error as Error).message).catch(() => {});
      throw error;
    }
  }

  private async handOver(parked: ParkedProgram, file: SentFile, host: string): Promise<Moved> {
    const { options } = this;
    options.onEvent?.({ event: 'stopped' });
    await this.sendFile('snapshot', file);
    await this.say({ name: 'prepare', size: file.size });
    const { pid } = await this.expect('prepared');
    options.onEvent?.({ event: 'prepared', pid });
    if (options.signal?.aborted) throw new ToolError('interrupted', 'interrupted before the move was committed');
    if (!options.copy) await parked.keep();
    const answer = await this.commit(host, pid);
    const downtime = Math.round((performance.now() - parked.stopRequested) * 1000);
    if (answer.name === 'failed') {
      if (!options.copy) await parked.resumeKept();
      throw new RemoteError(answer);
    }
    trace('move', () => `pid ${answer.pid} runs on ${host}`);
    if (!options.copy) await parked.end(`pid ${answer.pid} on ${host}`);
    const { closeStreams } = options;
    const streams = closeStreams ? new AttachedStreams(this.channel, closeStreams) : undefined;
    const { bytes, wire } = this;
    return { host, pid: answer.pid, output: answer.output, bytes, wire, downtime, streams };
  }

  /** From here on the program may run on the target. @throws UndecidedError when nobody knows whether it does */
  private async commit(host: string, pid: number): Promise<MessageOf<'running'> | MessageOf<'failed'>> {
    const { channel, program, options } = this;
    this.committed = true;
    let why: string;
    try {
      await within(options.patience, undefined, channel.send({ name: 'commit', pid }));
      const answer = await within(options.patience, undefined, channel.receive());
      if (answer.name === 'running' || answer.name === 'failed') return answer;
      why = `it has said "${answer.name}"`;
    } catch (error) {
      why = error instanceof WagSnapError ? error.headline : String(error);
    }
    if (options.copy) throw new LinkError(`whether the copy runs on ${host} is not known: ${why}`);
    throw new UndecidedError(program.pid, host, why);
  }

  /** Sends what has changed of a file. @returns the number of bytes */
  private async sendFile(name: 'outline' | 'snapshot', file: SentFile): Promise<number> {
    const { limit, codec } = this;
    const { signal, onEvent } = this.options;
    const sent = await sendFile(name, file, codec, {
      limit,
      signal,
      say: (message) => this.say(message),
      onSent: (bytes, of, wire) => {
        this.wire += wire;
        onEvent?.({ event: 'sent', bytes, of });
      },
    });
    this.bytes += sent;
    return sent;
  }

  private async say(message: Message): Promise<void> {
    const { channel, options } = this;
    this.early ??= channel.receive().finally(() => {
      this.hasAnswered = true;
    });
    this.early.catch(() => {});
    if (this.hasAnswered) await this.answer(); // only a failure comes unasked
    try {
      await within(options.patience, options.signal, channel.send(message));
    } catch (error) {
      if (error instanceof LinkError) await this.lastWords();
      throw error;
    }
  }

  /** Why the link ended: the target's own error, or that it never spoke our protocol. */
  private async lastWords(): Promise<void> {
    const GRACE = 1000;
    try {
      const answer = await within(GRACE, undefined, this.early ?? this.channel.receive());
      if (answer.name === 'failed') throw new RemoteError(answer);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
  }

  private async answer(): Promise<Message> {
    const { channel, options } = this;
    const answer = await within(options.patience, options.signal, this.early ?? channel.receive());
    this.early = undefined;
    this.hasAnswered = false;
    if (answer.name === 'failed') throw new RemoteError(answer);
    return answer;
  }

  private async expect<N extends 'welcome' | 'ready' | 'compiled' | 'prepared'>(name: N): Promise<MessageOf<N>> {
    const answer = await this.answer();
    if (answer.name === name) return answer as MessageOf<N>;
    throw new InputError('stream', `the other side has said "${answer.name}" where "${name}" was expected`);
  }

  private async cancel(reason: string): Promise<void> {
    const SHORT = 1000;
    await within(SHORT, undefined, this.channel.send({ name: 'cancel', reason: reason.slice(0, 1000) }));
  }
}
