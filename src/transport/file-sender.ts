/** Sends what has changed of a file. */

import { ToolError } from '../base/errors.js';
import type { Codec } from './codec.js';
import { type Bytes, PIECE } from './messages.js';
import { type PieceOptions, PieceSender } from './piece-sender.js';

/** A file that is to be on the other side as it is here. */
export interface SentFile {
  readonly size: number;
  /** What has changed since it was sent the last time, in order; what was never sent is zeros. */
  readonly changed: readonly { readonly offset: number; readonly length: number }[];
  /** Reads at most `target.length` bytes from `offset`. @returns how many there were */
  read(target: Buffer, offset: number): Promise<number>;
}

export interface SenderOptions extends Omit<PieceOptions, 'onSent'> {
  /** Of the file, how much of what is being sent has been sent, and what that took on the way. */
  onSent(bytes: number, of: number, wire: number): void;
}

/** Pieces that are read, and compressed, at the same time. */
const DEPTH = 4;

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
  let sent = 0;
  const pieces = new PieceSender(name, codec, {
    limit,
    say,
    signal,
    onSent: (bytes, wire) => {
      sent += bytes;
      onSent(sent, total, wire);
    },
  });
  /** One for each piece that waits, one for that on its way; those that are used again need no clear pages. */
  const buffers: Buffer[] = [];
  let count = 0;
  const waiting: Promise<void>[] = [];
  for (const { offset, length } of changed) {
    for (let done = 0; done < length; ) {
      if (waiting.length > depth) await waiting.shift();
      const n = count++ % (depth + 1);
      const buffer = (buffers[n] ??= Buffer.allocUnsafeSlow(most));
      const piece = buffer.subarray(0, Math.min(most, length - done));
      const got = await read(piece, offset + done);
      if (got === 0) throw new ToolError('read', 'a temporary file of the move has become shorter than it was');
      const said = pieces.send(piece.subarray(0, got), offset + done);
      said.catch(() => {}); // heard of when it is its turn
      waiting.push(said);
      done += got;
    }
  }
  await Promise.all(waiting);
  return sent;
}
