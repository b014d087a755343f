/** The rounds in which a move sends pages, and the rest of them: sends them as they come, and reports how far it is. */

import type { Codec } from './codec.js';
import type { MoveEvent } from './move-event.js';
import { type PieceOptions, PieceSender } from './piece-sender.js';

export interface RoundOptions extends PieceOptions {
  readonly onEvent: (event: MoveEvent) => void;
}

export class Rounds {
  private readonly pieces: PieceSender;
  private count = 0;
  /** Of this round: the most bytes that it sends, what was sent of them, and what that took on the way. */
  private of = 0;
  private sent = 0;
  private wire = 0;
  private start = 0;

  /** @param codec undefined: none */
  constructor(
    codec: Codec | undefined,
    private readonly options: RoundOptions,
  ) {
    this.pieces = new PieceSender('snapshot', codec, { ...options, onSent: (bytes, wire) => this.add(bytes, wire) });
  }

  begin(bytes: number): void {
    this.of = bytes;
    this.sent = 0;
    this.wire = 0;
    this.start = performance.now();
  }

  /** Bytes of the snapshot's file, which may change when this has resolved. */
  send(bytes: Uint8Array, offset: number): Promise<void> {
    return this.pieces.send(bytes, offset);
  }

  /** @param received waits until this round is there */
  async end(received: (round: number) => Promise<void>): Promise<void> {
    const round = ++this.count;
    await received(round);
    const { sent: bytes, wire } = this;
    this.options.onEvent({
      event: 'round',
      round,
      bytes,
      wire,
      milliseconds: Math.round(performance.now() - this.start),
    });
  }

  private add(bytes: number, wire: number): void {
    this.sent += bytes;
    this.wire += wire;
    this.options.onSent(bytes, wire);
    this.options.onEvent({ event: 'sent', bytes: this.sent, of: Math.max(this.of, this.sent) }); // contents of files, too
  }
}
