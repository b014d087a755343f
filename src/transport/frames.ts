/**
 * Frames on a stream of bytes: the payload's length (u32, little-endian), the kind (one byte), the payload.
 *
 * Both directions have back pressure: a frame is sent once the stream takes more, and read when it is asked for. The
 * other side is untrusted input: a frame that is too long is refused before its payload is read.
 */

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { InputError } from '../base/errors.js';

export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

const HEAD = 5;
/** The longest payload, in bytes. */
export const FRAME_MAX = (1 << 20) + 64;

export class FrameReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /**
   * The next frame. Undefined when the link is gone: at the stream's end, within a frame too, or after a failure.
   *
   * @throws InputError 'stream' when the bytes are not a frame
   */
  async next(): Promise<Frame | undefined> {
    if (!(await this.fill(HEAD))) return undefined;
    const length = this.rest.readUInt32LE(0);
    const kind = this.rest[4];
    if (length > FRAME_MAX) {
      throw new InputError('stream', `what the other side sends is not wag-snap's: a message of ${length} bytes`);
    }
    if (!(await this.fill(HEAD + length))) return undefined;
    const payload = this.rest.subarray(HEAD, HEAD + length);
    this.rest = this.rest.subarray(HEAD + length);
    return { kind, payload };
  }

  /** @returns whether the stream has this many more bytes */
  private async fill(bytes: number): Promise<boolean> {
    if (this.rest.length >= bytes) return true;
    const parts = [this.rest];
    for (let size = this.rest.length; size < bytes; ) {
      const chunk = await this.chunks.next().catch(() => ({ done: true as const, value: undefined }));
      if (chunk.done) return false;
      parts.push(chunk.value);
      size += chunk.value.length;
    }
    this.rest = Buffer.concat(parts);
    return true;
  }
}

export class FrameWriter {
  /** Aborted when writing has become impossible. */
  private readonly closed = new AbortController();

  constructor(private readonly stream: Writable) {
    const close = () => this.closed.abort();
    stream.on('error', close);
    stream.on('close', close);
    if (stream.destroyed) close();
  }

  /**
   * Resolves when there is room for more.
   *
   * @param flush resolve only when all bytes have been handed on, so that closing the stream loses none
   * @throws Error when the link is gone
   */
  async write(kind: number, parts: readonly Uint8Array[], flush = false): Promise<void> {
    const head = Buffer.alloc(HEAD);
    head.writeUInt32LE(parts.reduce((sum, { length }) => sum + length, 0));
    head[4] = kind;
    const { signal } = this.closed;
    signal.throwIfAborted();
    if (flush) return await this.handOn([head, ...parts], signal);
    this.put([head, ...parts]);
    if (this.stream.writableNeedDrain) await once(this.stream, 'drain', { signal });
    signal.throwIfAborted();
  }

  private put(parts: readonly Uint8Array[], whenPut?: (error?: Error | null) => void): void {
    const { stream } = this;
    stream.cork();
    for (const [n, part] of parts.entries()) stream.write(part, n === parts.length - 1 ? whenPut : undefined);
    stream.uncork();
  }

  /** The other side may read it, answer and end before this is noticed: then it has been handed on all the same. */
  private handOn(parts: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const close = () => reject(new Error('closed'));
      signal.addEventListener('abort', close, { once: true });
      this.put(parts, (error) => {
        signal.removeEventListener('abort', close);
        if (error) reject(error);
        else resolve();
      });
    });
  }
}
