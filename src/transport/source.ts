/**
 * The source's half of a move (docs/migration.md): sends a program to the other side, and lets it continue in one place.
 *
 *     hello, outline, look --> ready, compiled | stop, snapshot, prepare --> prepared | keep, commit --> running | end
 *
 * Until the program is kept, whatever goes wrong lets it continue here: also the death of this tool. From then on it
 * continues here only when the other side says that it does not, and never will, continue there.
 */

import { InputError, ToolError, WagSnapError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { type Channel, within } from './channel.js';
import { LinkError, RemoteError, UndecidedError } from './errors.js';
import { type Hello, type Message, type MessageOf, PIECE } from './messages.js';

/** A file that is to be on the other side as it is here. */
export interface SentFile {
  readonly size: number;
  /** What has changed since it was sent the last time, in order; what was never sent is zeros. */
  readonly changed: readonly { readonly offset: number; readonly length: number }[];
  /** Reads at most `target.length` bytes from `offset`. @returns how many there were */
  read(target: Buffer, offset: number): Promise<number>;
}

/** The program, which stands still for this tool. */
export interface ParkedProgram {
  /** When it was asked to stop: performance.now(). */
  readonly stopRequested: number;
  /** From now on it stays parked, whatever becomes of this tool. */
  keep(): Promise<void>;
  /** After keep(): it continues. */
  resumeKept(): Promise<void>;
  /** @param successor where it continues, for its last words */
  end(successor: string): Promise<void>;
}

/** The program that is to be moved. */
export interface MovingProgram {
  readonly pid: number;
  /** What it is and has open, without its memory. */
  outline(send: (file: SentFile) => Promise<void>): Promise<void>;
  /**
   * Stops it, with all that it is. It continues when `take` is through, unless it was kept or ended.
   *
   * @param round takes what has changed, while the program runs
   */
  handOver(
    round: (file: SentFile) => Promise<void>,
    take: (parked: ParkedProgram, file: SentFile) => Promise<void>,
  ): Promise<void>;
}

export interface MoveOptions {
  /** Looks only: nothing is stopped, nothing is started. */
  readonly dryRun?: boolean;
  /** The program continues here as well: two of them, then. */
  readonly copy?: boolean;
  /** Milliseconds for which the other side may say nothing while it is waited for. */
  readonly patience: number;
  /** Gives the move up, as long as it is not committed. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: MoveEvent) => void;
}

/** What happens on the way, in this order. */
export type MoveEvent =
  | { readonly event: 'ready'; readonly host: string; readonly arch: string; readonly warnings: readonly string[] }
  | { readonly event: 'compiled'; readonly cached: boolean }
  /** All that has changed was sent, while the program ran. */
  | { readonly event: 'round'; readonly bytes: number }
  | { readonly event: 'stopped' }
  /** Of what is being sent. */
  | { readonly event: 'sent'; readonly bytes: number; readonly of: number }
  | { readonly event: 'prepared'; readonly pid: number };

export interface Moved {
  /** What the other side calls itself. */
  readonly host: string;
  /** Of the program there; undefined after a dry run. */
  readonly pid: number | undefined;
  /** Where its output goes there. */
  readonly output: string;
  /** Bytes of memory and all else that were sent. */
  readonly bytes: number;
  /** Microseconds from the stop until the other side said that it runs. */
  readonly downtime: number;
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
  /** What the other side has said while nothing was expected: only ever that it has failed. */
  private early: Promise<Message> | undefined;
  private hasAnswered = false;
  private bytes = 0;

  constructor(
    private readonly channel: Channel,
    private readonly program: MovingProgram,
    private readonly options: MoveOptions,
  ) {}

  async run(hello: Hello): Promise<Moved> {
    const { program, options } = this;
    try {
      await this.say(hello);
      await program.outline(async (file) => {
        await this.sendFile('outline', file);
        await this.say({ name: 'look', size: file.size });
      });
      const { host, arch, warnings } = await this.expect('ready');
      options.onEvent?.({ event: 'ready', host, arch, warnings });
      if (options.dryRun) {
        await this.cancel('it was a dry run');
        return { host, pid: undefined, output: '', bytes: this.bytes, downtime: 0 };
      }
      const { cached } = await this.expect('compiled');
      options.onEvent?.({ event: 'compiled', cached });
      let moved: Moved | undefined;
      const round = async (file: SentFile) => {
        options.onEvent?.({ event: 'round', bytes: await this.sendFile('snapshot', file) });
      };
      await program.handOver(round, async (parked, file) => {
        moved = await this.handOver(parked, file, host);
      });
      if (moved === undefined) throw new LinkError('the program was not handed over');
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
    if (options.signal?.aborted) throw new ToolError('interrupted', 'interrupted before it was committed');
    if (!options.copy) await parked.keep();
    const answer = await this.commit(host, pid);
    const downtime = Math.round((performance.now() - parked.stopRequested) * 1000);
    if (answer.name === 'failed') {
      if (!options.copy) await parked.resumeKept();
      throw new RemoteError(answer);
    }
    trace('move', () => `pid ${answer.pid} runs on ${host}`);
    if (!options.copy) await parked.end(`pid ${answer.pid} on ${host}`);
    return { host, pid: answer.pid, output: answer.output, bytes: this.bytes, downtime };
  }

  /** From here on the program may run there. @throws UndecidedError when it is not known whether it does */
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

  /** What has changed of a file. @returns bytes */
  private async sendFile(name: 'outline' | 'snapshot', { changed, read }: SentFile): Promise<number> {
    const total = changed.reduce((sum, { length }) => sum + length, 0);
    let sent = 0;
    for (const { offset, length } of changed) {
      for (let done = 0; done < length; ) {
        const piece = Buffer.allocUnsafe(Math.min(PIECE, length - done)); // the stream keeps it until it is sent
        const got = await read(piece, offset + done);
        if (got === 0) throw new ToolError('read', 'a temporary file is shorter than it was');
        await this.say({ name: 'bytes', file: name, offset: offset + done, data: piece.subarray(0, got) });
        done += got;
        sent += got;
        this.options.onEvent?.({ event: 'sent', bytes: sent, of: total });
      }
    }
    this.bytes += sent;
    return sent;
  }

  private async say(message: Message): Promise<void> {
    const { channel, options } = this;
    this.early ??= channel.receive().finally(() => {
      this.hasAnswered = true;
    });
    this.early.catch(() => {});
    if (this.hasAnswered) await this.answer(); // nothing but a failure comes before it is asked for
    try {
      await within(options.patience, options.signal, channel.send(message));
    } catch (error) {
      if (error instanceof LinkError) await this.lastWords();
      throw error;
    }
  }

  /** Why the other side has gone, when it has said so, or was never one of ours. */
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
    const pending = this.early ?? channel.receive();
    this.early = undefined;
    this.hasAnswered = false;
    const answer = await within(options.patience, options.signal, pending);
    if (answer.name === 'failed') throw new RemoteError(answer);
    return answer;
  }

  private async expect<N extends 'ready' | 'compiled' | 'prepared'>(name: N): Promise<MessageOf<N>> {
    const answer = await this.answer();
    if (answer.name === name) return answer as MessageOf<N>;
    throw new InputError('stream', `the other side has said "${answer.name}" where "${name}" was expected`);
  }

  private async cancel(reason: string): Promise<void> {
    const SHORT = 1000;
    await within(SHORT, undefined, this.channel.send({ name: 'cancel', reason: reason.slice(0, 1000) }));
  }
}
