/**
 * The end of a lazy move at its source: sends the pages that the program has left behind, while it runs at the target.
 *
 * What the target waits for goes first, and then what follows it in memory; the rest in the order of MissingPages. The
 * source's process stays kept until the target says that it needs nothing more.
 */

import { InputError } from '../base/errors.js';
import { LAZY_UNIT } from '../image/contract/lazy-pages.js';
import type { Channel } from './channel.js';
import type { Codec } from './codec.js';
import { LinkError, RemoteError } from './errors.js';
import type { RateLimit } from './rate-limit.js';
import { smaller } from './smaller.js';

/** Bytes that lie in the snapshot's file one after the other. */
export interface FilePiece {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** What was not sent before the program was handed over. */
export interface MissingPages {
  /** Bit n is set when unit n of the snapshot's file is missing. */
  readonly units: Uint8Array<ArrayBuffer>;
  /** All of them, first what is likely to be needed first. */
  readonly order: Uint32Array;
  /** The contents of a unit, without what is zeros. @throws ToolError */
  read(unit: number): readonly FilePiece[];
}

/** Units that are sent after one that was waited for: programs often go on from there. */
const AHEAD = 3;

export interface OwingOptions {
  readonly codec: Codec | undefined;
  /** Not for what is waited for. */
  readonly limit: RateLimit;
  /** Bytes of memory that are still to be sent, and what the last of them took on the way. */
  onSent(left: number, bytes: number, wire: number): void;
}

/**
 * Sends all of it, and waits until the target has all that it needs.
 *
 * @throws LinkError, RemoteError, InputError, ToolError: the program runs there without what is missing
 */
export function sendMissing(channel: Channel, pages: MissingPages, options: OwingOptions): Promise<void> {
  return new Owing(channel, pages, options).run();
}

class Owing {
  /** Units that were waited for, or follow one that was, and are not sent yet. */
  private readonly urgent: number[] = [];
  private readonly waited = new Set<number>();
  private readonly missing: Uint8Array;
  private next = 0;
  private left: number;
  private isWhole = false;

  constructor(
    private readonly channel: Channel,
    private readonly pages: MissingPages,
    private readonly options: OwingOptions,
  ) {
    this.missing = pages.units.slice();
    this.left = pages.order.length;
  }

  async run(): Promise<void> {
    const listening = this.listen();
    await Promise.race([this.sendAll().catch(unlessGone), listening]);
    await listening;
  }

  /** Until the target has all that it needs. */
  private async listen(): Promise<void> {
    for (;;) {
      const message = await this.channel.receive();
      if (message.name === 'want') this.want(message.unit);
      else if (message.name === 'whole') {
        this.isWhole = true;
        return;
      } else if (message.name === 'failed') throw new RemoteError(message);
      else throw new InputError('stream', `the other side has said "${message.name}" where pages were awaited`);
    }
  }

  private want(unit: number): void {
    if (!this.isMissing(unit) || this.waited.has(unit)) return; // it is on its way
    this.waited.add(unit);
    for (let ahead = AHEAD; ahead >= 0; ahead--) if (this.isMissing(unit + ahead)) this.urgent.unshift(unit + ahead);
  }

  private async sendAll(): Promise<void> {
    while (!this.isWhole && this.left > 0) {
      const unit = this.urgent.shift() ?? this.pages.order[this.next++];
      if (this.isMissing(unit)) await this.send(unit);
    }
  }

  private isMissing(unit: number): boolean {
    return (this.missing[unit >> 3] & (1 << (unit & 7))) !== 0;
  }

  private async send(unit: number): Promise<void> {
    const { channel, options } = this;
    let [bytes, wire] = [0, 0];
    this.missing[unit >> 3] &= ~(1 << (unit & 7));
    for (const piece of this.pages.read(unit)) {
      const message = await smaller({ name: 'bytes', file: 'snapshot', ...piece }, options.codec);
      if (!this.waited.has(unit)) await options.limit.take(message.data.length);
      await channel.send(message);
      bytes += piece.data.length;
      wire += message.data.length;
    }
    await channel.send({ name: 'arrived', unit, count: 1 });
    this.left--;
    options.onSent(this.left * LAZY_UNIT, bytes, wire);
  }
}

/** A target that needs nothing more may end before all is sent: what it has said last tells. */
function unlessGone(error: unknown): void {
  if (!(error instanceof LinkError)) throw error;
}
