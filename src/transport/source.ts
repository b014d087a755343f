/**
 * The source's half of a move (docs/migration.md): sends a program to the target, and makes sure that it continues in
 * one place only.
 *
 *     hello, outline, look --> welcome, ready | modules (if they are not there) | pages, round --> compiled, received
 *         | stop, rest, prepare --> prepared | keep, commit --> running | end
 *
 * Until the program is kept, any failure lets it continue here, even the death of this tool. After that it continues
 * here only when the target says that it does not run there and never will. In a lazy move it stays kept until all of
 * its memory was taken (owing.ts).
 */

import { ToolError, WagSnapError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { LAZY_UNIT } from '../image/contract/lazy-pages.js';
import { AttachedStreams } from './attached-streams.js';
import { type Channel, interrupted, within } from './channel.js';
import type { Codec } from './codec.js';
import { type DecidedMove, decided } from './decided-move.js';
import { LinkError, OwingError, RemoteError, UndecidedError, UnsentError, unexpected } from './errors.js';
import { type SentFile, sendFile } from './file-sender.js';
import { FixedPause } from './fixed-pause.js';
import type { Bytes, Hello, Message, MessageOf } from './messages.js';
import type { MoveEvent } from './move-event.js';
import type { Moved } from './moved.js';
import type { MovingProgram, ParkedProgram } from './moving-program.js';
import { type MissingPages, sendMissing } from './owing.js';
import { RateLimit } from './rate-limit.js';
import { Rounds } from './rounds.js';

export interface MoveOptions extends Pick<DecidedMove, 'decide'> {
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

/** How long to wait for bytes to be handed on that nobody may want any more, in milliseconds. */
const SHORT = 1000;

class Move {
  private committed = false;
  /** The next message from the target, which need not have been asked for. */
  private early: Promise<Message> | undefined;
  private hasAnswered = false;
  private isWelcome = false;
  private isReady = false;
  /** How often the target has said something. */
  private signsOfLife = 0;
  private bytes = 0;
  private wire = 0;
  private codec: Codec | undefined;
  private readonly pause = new FixedPause();
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
      if (hello.codecs.length > 0) await this.welcome(); // what is sent next may be compressed
      await program.outline(async (file, memory) => {
        await this.sendFile('outline', file);
        await this.say({ name: 'look', size: file.size, memory });
      });
      await this.welcome();
      const { host, arch, warnings, needsModules } = await this.expect('ready');
      this.isReady = true;
      options.onEvent?.({ event: 'ready', host, arch, warnings });
      if (options.dryRun) {
        await this.cancel('it was a dry run');
        return { host, pid: undefined, output: '', bytes: this.bytes, wire: this.wire, downtime: 0 };
      }
      if (needsModules) await this.sendModules();
      let moved: Moved | undefined;
      const rounds = new Rounds(this.codec, {
        limit: this.limit,
        signal: options.signal,
        say: (message) => this.say(message),
        onSent: (bytes, wire) => {
          this.bytes += bytes;
          this.wire += wire;
        },
        onEvent: (event) => options.onEvent?.(event),
      });
      await program.handOver({
        send: (bytes, offset) => rounds.send(bytes, offset),
        expect: (bytes) => rounds.begin(bytes),
        round: () => rounds.end((round) => this.received(round)),
        mayStop: () => this.mayStop(),
        isBusy: () => !this.pause.isKnown,
        fixedPause: () => this.pause.milliseconds,
        leastPause: () => this.pause.preparing ?? 0,
        left: (bytes, pause) => options.onEvent?.({ event: 'left', bytes, downtime: Math.ceil(pause) }),
        take: async (parked, file, missing) => {
          moved = await this.handOver(parked, file, host, missing);
        },
      });
      if (moved === undefined) throw new LinkError('the link ended before the program was handed over');
      return moved;
    } catch (failure) {
      const error = this.isGivenUp(failure) ? interrupted(this.options.signal) : failure;
      if (!this.committed) await this.cancel((error as Error).message).catch(() => {});
      if (this.runsHere(error)) error.add(`pid ${program.pid} continues here`);
      throw error;
    }
  }

  /** Whoever gives it up hears that, though the other side, or the link to it, may have ended for the same reason. */
  private isGivenUp(failure: unknown): boolean {
    const isOther = failure instanceof LinkError || failure instanceof RemoteError;
    const isSo = isOther || (failure instanceof ToolError && failure.code === 'interrupted');
    return isSo && !this.committed && this.options.signal?.aborted === true;
  }

  private runsHere(error: unknown): error is WagSnapError {
    const { copy, dryRun } = this.options;
    return (
      error instanceof WagSnapError && error.code !== 'process-ended' && !dryRun && (!this.committed || copy === true)
    );
  }

  /** Until the target has answered the first message, if it has not done so while others were sent. */
  private async welcome(): Promise<void> {
    if (!this.isWelcome) this.takeWelcome(await this.expect('welcome'));
  }

  private takeWelcome({ version, codec }: MessageOf<'welcome'>): void {
    this.isWelcome = true;
    this.codec = codec ?? undefined;
    this.options.onEvent?.({ event: 'connected', version, codec });
  }

  private async sendModules(): Promise<void> {
    const file = this.program.modules();
    await this.sendFile('modules', file);
    await this.say({ name: 'modules', size: file.size });
  }

  /** Waits until a round is there: a slow link's buffers take seconds, in which the program need not stand still. */
  private async received(round: number): Promise<void> {
    await this.ask(round);
    if (!this.pause.isKnown || this.pause.isMeasured) return;
    await this.ask(round); // the link is empty now: its own round trip
    this.pause.isMeasured = true;
  }

  private async ask(round: number): Promise<void> {
    this.pause.asks(performance.now());
    await this.say({ name: 'round', round });
    for (;;) {
      const answer = await this.answer();
      if (answer.name === 'received' && answer.round === round) return this.pause.answers(performance.now());
      this.takeUnasked(answer);
    }
  }

  private async handOver(
    parked: ParkedProgram,
    file: SentFile,
    host: string,
    missing: MissingPages | undefined,
  ): Promise<Moved> {
    const { options } = this;
    options.onEvent?.({ event: 'stopped' });
    await this.sendFile('snapshot', file);
    await this.say({ name: 'prepare', size: file.size, missing: missing?.units ?? null });
    const { pid } = await this.expect('prepared');
    options.onEvent?.({ event: 'prepared', pid });
    if (options.signal?.aborted) throw interrupted(options.signal);
    if (!options.copy) await parked.keep();
    if (options.decide)
      return decided(this.channel, options.decide, parked, { host, pid, bytes: this.bytes, wire: this.wire });
    const answer = await this.commit(host, pid);
    const downtime = Math.round((performance.now() - parked.stopRequested) * 1000);
    if (answer instanceof UnsentError || answer.name === 'failed') {
      if (!options.copy) await parked.resumeKept();
      this.committed = false;
      throw answer instanceof UnsentError ? answer : new RemoteError(answer);
    }
    trace('move', () => `pid ${answer.pid} runs on ${host}`);
    if (missing) await this.sendMissing(missing, host, answer, downtime);
    if (!options.copy) await parked.end(`pid ${answer.pid} on ${host}`);
    const { closeStreams } = options;
    const streams = closeStreams ? new AttachedStreams(this.channel, closeStreams) : undefined;
    const { bytes, wire } = this;
    return { host, pid: answer.pid, output: answer.output, bytes, wire, downtime, streams };
  }

  /**
   * From here on the program may run on the target, unless all that fails is to say so.
   *
   * @throws UndecidedError when nobody knows whether it does
   */
  private async commit(host: string, pid: number): Promise<MessageOf<'running'> | MessageOf<'failed'> | UnsentError> {
    const { channel, program, options } = this;
    this.committed = true;
    let why: string;
    // NOTE: the answer tells. Sending may fail after it has arrived: the other side has heard, answered and ended
    const sending = channel.send({ name: 'commit', pid });
    sending.catch(() => {});
    try {
      const answer = await within(options.patience, undefined, channel.receive());
      if (answer.name === 'running' || answer.name === 'failed') return answer;
      why = `it has said "${answer.name}"`;
    } catch (error) {
      why = error instanceof WagSnapError ? error.headline : String(error);
    }
    const failure = await within(SHORT, undefined, sending).catch((error) => error);
    if (failure instanceof UnsentError) return failure;
    if (options.copy) throw new LinkError(`whether the copy runs on ${host} is not known: ${why}`);
    throw new UndecidedError(program.pid, host, why);
  }

  /** @throws OwingError when the program has lost its pages there */
  private async sendMissing(
    missing: MissingPages,
    host: string,
    { pid, output }: MessageOf<'running'>,
    downtime: number,
  ): Promise<void> {
    const { channel, program, options, limit, codec } = this;
    const of = missing.order.length * LAZY_UNIT;
    let left = of;
    options.onEvent?.({ event: 'running', pid, output, downtime });
    options.onEvent?.({ event: 'lazy', bytes: left, of });
    try {
      await sendMissing(channel, missing, {
        limit,
        codec,
        onSent: (now, bytes, wire) => {
          left = now;
          this.bytes += bytes;
          this.wire += wire;
          options.onEvent?.({ event: 'lazy', bytes: left, of });
        },
      });
    } catch (error) {
      const why = error instanceof WagSnapError ? error.headline : String(error);
      if (error instanceof ToolError && error.code === 'process-ended') {
        throw new ToolError(
          error.code,
          `pid ${pid} on ${host} runs without ${left} bytes of its memory, and ends when it needs one of them: ${why}`,
        );
      }
      throw new OwingError(program.pid, pid, host, left, why);
    }
    trace('move', () => `${host} has all of its memory`);
    options.onEvent?.({ event: 'complete' });
  }

  /** Sends what has changed of a file. @returns the number of bytes */
  private async sendFile(name: Bytes['file'], file: SentFile): Promise<number> {
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

  /** The target has the image before the program stands still. */
  private async mayStop(): Promise<boolean> {
    if (this.pause.isKnown) return true;
    const isThere = this.hasAnswered;
    this.takeUnasked(await this.answer());
    return isThere;
  }

  private async say(message: Message): Promise<void> {
    await this.hear();
    try {
      await this.patiently(this.channel.send(message), () => this.hear());
    } catch (error) {
      if (error instanceof LinkError) await this.lastWords();
      throw error;
    }
  }

  /** Takes what the target has said by now, and listens for more. */
  private async hear(): Promise<void> {
    if (this.hasAnswered) this.takeUnasked(await this.answer());
    this.listen();
  }

  /** Of what the target says while something is sent to it. */
  private takeUnasked(message: Message): void {
    if (message.name === 'welcome' && !this.isWelcome) return this.takeWelcome(message);
    if (message.name !== 'compiled' || this.pause.isKnown || !this.isReady) throw unexpected(message, 'nothing');
    this.pause.preparing = message.preparing;
    this.options.onEvent?.({ event: 'compiled', cached: message.cached });
  }

  private listen(): Promise<Message> {
    if (this.early !== undefined) return this.early;
    this.early = this.next().finally(() => {
      this.hasAnswered = true;
    });
    this.early.catch(() => {});
    return this.early;
  }

  private async next(): Promise<Message> {
    for (;;) {
      const message = await this.channel.receive();
      this.signsOfLife++;
      if (message.name !== 'busy') return message;
    }
  }

  /** Why the link ended: the target's own error, or that it never spoke our protocol. */
  private async lastWords(): Promise<void> {
    const GRACE = 1000;
    try {
      const answer = await within(GRACE, undefined, this.listen());
      if (answer.name === 'failed') throw new RemoteError(answer);
    } catch (error) {
      if (!(error instanceof LinkError)) throw error;
    }
  }

  private async answer(): Promise<Message> {
    const answer = await this.patiently(this.listen());
    this.early = undefined;
    this.hasAnswered = false;
    if (answer.name === 'failed') throw new RemoteError(answer);
    return answer;
  }

  /**
   * Gives the target up when it has shown no sign of life for too long.
   *
   * @param next before it is waited for longer. @throws LinkError, and what `work` does
   */
  private async patiently<T>(work: Promise<T>, next = async () => {}): Promise<T> {
    const { patience, signal } = this.options;
    for (let seen = this.signsOfLife; ; seen = this.signsOfLife) {
      try {
        return await within(patience, signal, work);
      } catch (error) {
        if (!(error instanceof LinkError) || this.signsOfLife === seen) throw error;
      }
      await next();
    }
  }

  private async expect<N extends 'welcome' | 'ready' | 'prepared'>(name: N): Promise<MessageOf<N>> {
    const answer = await this.answer();
    if (answer.name === name) return answer as MessageOf<N>;
    throw unexpected(answer, `"${name}"`);
  }

  private async cancel(reason: string): Promise<void> {
    await within(SHORT, undefined, this.channel.send({ name: 'cancel', reason: reason.slice(0, 1000) }));
  }
}
