/**
 * Frames on a stream of bytes: the payload's length (u32, little-endian), the kind (one byte), the payload.
 *
 * Both directions have back pressure: a frame is sent once the stream has taken the last one, and read when it is asked for. The
 * other side is untrusted input: a frame that is too long is refused before its payload is read.
 */

import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { InputError } from '../base/errors.js';

export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

/** Bytes before the payload. */
export const HEAD = 5;
/** The longest payload, in bytes. */
export const FRAME_MAX = (1 << 20) + 64;

export interface FrameSource {
  /** Bytes that have come, also of a frame that is not complete. */
  readonly received: number;
  /**
   * The next frame. Undefined when the link is gone: at the stream's end, within a frame too, or after a failure.
   *
   * Its payload is valid until the next frame but one is asked for: the buffer is used again.
   *
   * @throws InputError 'stream' when the bytes are not a frame
   */
  next(): Promise<Frame | undefined>;
}

/** Of the frame whose head is there. @throws InputError 'stream' when it is none */
export function payloadLength(bytes: Buffer, at: number): number {
  const length = bytes.readUInt32LE(at);
  if (length <= FRAME_MAX) return length;
  throw new InputError('stream', `what the other side sends is not wag-snap's: a message of ${length} bytes`);
}

/** Not all of a frame was handed on: the other side has none of it, or a part. */
export class Unwritten extends Error {}

/** The system has refused bytes of the last write, as nobody reads them. */
const REFUSED: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

export class FrameWriter {
  /** Aborted when writing has become impossible. */
  private readonly closed = new AbortController();
  /** Of a socket: its bytes are nobody's once they are written. Other streams may pass them on as they are. */
  private readonly isSocket: boolean;

  constructor(private readonly stream: Writable) {
    const close = () => this.closed.abort();
    stream.on('error', close);
    stream.on('close', close);
    if (stream.destroyed) close();
    this.isSocket = stream instanceof Socket;
  }

  /**
   * Resolves when all bytes have been handed on: closing the stream loses none, and they may change from then on.
   *
   * @throws Unwritten, or Error when the link is gone and nobody knows how much of it was handed on
   */
  async write(kind: number, parts: readonly Uint8Array[]): Promise<void> {
    const head = Buffer.alloc(HEAD);
    head.writeUInt32LE(parts.reduce((sum, { length }) => sum + length, 0));
    head[4] = kind;
    if (this.closed.signal.aborted || this.stream.destroyed) throw new Unwritten();
    await this.handOn([head, ...(this.isSocket ? parts : parts.map((part) => Buffer.from(part)))]);
  }

  /** The other side may read it, answer and end before this is noticed: then it has been handed on all the same. */
  private handOn(parts: readonly Uint8Array[]): Promise<void> {
    const { stream } = this;
    const { signal } = this.closed;
    return new Promise((resolve, reject) => {
      const close = () => reject(new Error('closed'));
      signal.addEventListener('abort', close, { once: true });
      stream.cork();
      for (const part of parts.slice(0, -1)) stream.write(part);
      stream.write(parts.at(-1), (error) => {
        signal.removeEventListener('abort', close);
        if (error) reject(REFUSED.has((error as NodeJS.ErrnoException).code) ? new Unwritten() : error);
        else resolve();
      });
      stream.uncork();
    });
  }
}
