/** Sends pieces of a file in order: each is compressed on another thread while earlier ones are sent. */

import type { Codec } from './codec.js';
import { type Bytes, type Packed, PIECE } from './messages.js';
import type { RateLimit } from './rate-limit.js';
import { smaller } from './smaller.js';

export interface PieceOptions {
  readonly limit: RateLimit;
  /** Sends a piece. Its bytes change after this has resolved. */
  say(message: Bytes | Packed): Promise<void>;
  /** Bytes of the file that were sent, and what they took on the way. */
  onSent(bytes: number, wire: number): void;
  readonly signal?: AbortSignal | undefined;
}

export class PieceSender {
  /** Settles when all so far are on their way. */
  private last: Promise<void> = Promise.resolve();

  /** @param codec undefined: none */
  constructor(
    private readonly file: Bytes['file'],
    private readonly codec: Codec | undefined,
    private readonly options: PieceOptions,
  ) {}

  /** Resolves when they are on their way, and may change. @throws what `say` throws of them, or of earlier ones */
  async send(bytes: Uint8Array, offset: number): Promise<void> {
    const most = this.options.limit.piece(PIECE);
    for (let at = 0; at < bytes.length; at += most) {
      await this.sendPiece({
        name: 'bytes',
        file: this.file,
        offset: offset + at,
        data: bytes.subarray(at, at + most),
      });
    }
  }

  private sendPiece(piece: Bytes): Promise<void> {
    const message = smaller(piece, this.codec);
    message.catch(() => {}); // heard of when it is its turn
    this.last = this.sayAfter(this.last, message, piece.data.length);
    return this.last;
  }

  private async sayAfter(before: Promise<void>, message: Promise<Bytes | Packed>, bytes: number): Promise<void> {
    const { limit, say, onSent, signal } = this.options;
    await before;
    const { length } = (await message).data;
    await limit.take(length, signal);
    await say(await message);
    onSent(bytes, length);
  }
}
