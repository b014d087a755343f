/** Sends what has changed of a file: pieces in order, compressed on other threads while earlier ones are sent. */

import { ToolError } from '../base/errors.js';
import { type Codec, pack } from './codec.js';
import { type Bytes, type Packed, PIECE } from './messages.js';
import type { RateLimit } from './rate-limit.js';

/** A file that is to be on the other side as it is here. */
export interface SentFile {
  readonly size: number;
  /** What has changed since it was sent the last time, in order; what was never sent is zeros. */
  readonly changed: readonly { readonly offset: number; readonly length: number }[];
  /** Reads at most `target.length` bytes from `offset`. @returns how many there were */
  read(target: Buffer, offset: number): Promise<number>;
}

export interface SenderOptions {
  readonly limit: RateLimit;
  /** Sends a piece. Its bytes change after this has resolved. */
  say(message: Bytes | Packed): Promise<void>;
  /** Of the file, how much of what is being sent has been sent, and what that took on the way. */
  onSent(bytes: number, of: number, wire: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** Pieces that are compressed at the same time. */
const DEPTH = 4;
/** A piece that does not get smaller than this part of it is sent as it is. */
const WORTHWHILE = 15 / 16;

/** @param codec undefined: none. @returns bytes of the file. @throws ToolError, and what `say` throws */
export async function sendFile(
  name: Bytes['file'],
  { changed, read }: SentFile,
  codec: Codec | undefined,
  { limit, say, onSent, signal }: SenderOptions,
): Promise<number> {
  const total = changed.reduce((sum, { length }) => sum + length, 0);
  const most = limit.piece(PIECE);
  const depth = codec === undefined ? 1 : DEPTH;
  /** One for each piece that waits, one for that on its way; those that are used again need no clear pages. */
  const buffers: Buffer[] = [];
  let count = 0;
  const waiting: Promise<Bytes | Packed>[] = [];
  let sent = 0;
  /** The next piece is read while the last one is on its way. */
  let saying: Promise<void> = Promise.resolve();
  const sendFirst = async () => {
    const message = await waiting.shift();
    if (message === undefined) return;
    await limit.take(message.data.length, signal);
    await saying;
    saying = say(message);
    saying.catch(() => {}); // heard of before the next one
    sent += message.name === 'packed' ? message.length : message.data.length;
    onSent(sent, total, message.data.length);
  };
  for (const { offset, length } of changed) {
    for (let done = 0; done < length; ) {
      const n = count++ % (depth + 1);
      const buffer = (buffers[n] ??= Buffer.allocUnsafeSlow(most));
      const piece = buffer.subarray(0, Math.min(most, length - done));
      const got = await read(piece, offset + done);
      if (got === 0) throw new ToolError('read', 'a temporary file of the move has become shorter than it was');
      const message = smaller(
        { name: 'bytes', file: name, offset: offset + done, data: piece.subarray(0, got) },
        codec,
      );
      message.catch(() => {}); // heard of when it is its turn
      waiting.push(message);
      done += got;
      if (waiting.length === depth) await sendFirst();
    }
  }
  while (waiting.length > 0) await sendFirst();
  await saying;
  return sent;
}

async function smaller(piece: Bytes, codec: Codec | undefined): Promise<Bytes | Packed> {
  if (codec === undefined) return piece;
  const { file, offset, data } = piece;
  const packed = await pack(codec, data);
  if (packed.length > data.length * WORTHWHILE) return piece;
  return { name: 'packed', file, offset, codec, length: data.length, data: packed };
}
