/** One end of a move's connection: messages to and from the other side, over any stream of bytes. */

import type { Readable, Writable } from 'node:stream';
import { ToolError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { LinkError, UnsentError } from './errors.js';
import { FrameReader } from './frame-reader.js';
import { type FrameSource, FrameWriter, Unwritten } from './frames.js';
import { decodeMessage, encodeMessage, type Message } from './messages.js';

const GONE = 'the connection to the other side is gone';
/** Messages of which there are many. */
const PIECES: ReadonlySet<string> = new Set(['bytes', 'packed', 'input', 'output', 'arrived', 'want']);

export interface Channel {
  /** Bytes that have come from the other side, also of a message that is not complete. */
  readonly received: number;
  /**
   * Resolves when it is on its way, and its bytes may change; it may not have arrived yet.
   *
   * @throws UnsentError when it was not sent, LinkError when that is not known
   */
  send(message: Message): Promise<void>;
  /**
   * The next message from the other side. A piece's bytes are valid until the next message but one is asked for.
   *
   * @throws LinkError when the link is gone, InputError 'stream' when the bytes are not a message
   */
  receive(): Promise<Message>;
}

/** @param input bytes from the other side @param output bytes to it */
export function streamChannel(input: Readable, output: Writable): Channel {
  return frameChannel(new FrameReader(input), output);
}

/** @param reader frames from the other side @param output bytes to it */
export function frameChannel(reader: FrameSource, output: Writable): Channel {
  const writer = new FrameWriter(output);
  return {
    get received() {
      return reader.received;
    },
    async send(message) {
      const isPiece = PIECES.has(message.name);
      if (!isPiece) trace('move', () => `says ${message.name}`);
      const { kind, parts } = encodeMessage(message);
      try {
        await writer.write(kind, parts);
      } catch (error) {
        throw new (error instanceof Unwritten ? UnsentError : LinkError)(GONE);
      }
    },
    async receive() {
      const frame = await reader.next();
      if (frame === undefined) throw new LinkError(GONE);
      const message = decodeMessage(frame.kind, frame.payload);
      if (!PIECES.has(message.name)) trace('move', () => `hears ${message.name}`);
      return message;
    },
  };
}

/**
 * Runs `work`, and gives up when the other side stays silent for too long.
 *
 * @param milliseconds the longest silence
 * @param signal the caller's own way to give up earlier
 * @throws LinkError; the result of `work` is dropped when it comes later
 */
export async function within<T>(milliseconds: number, signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort = () => {};
  const given = new Promise<never>((_, reject) => {
    const seconds = Math.round(milliseconds / 1000);
    timer = setTimeout(() => reject(new LinkError(`the other side has said nothing for ${seconds} s`)), milliseconds);
    abort = () => reject(interrupted(signal));
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
  work.catch(() => {}); // a failure is reported above, or came too late to matter
  try {
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** What the caller hears who has given something up. */
export function interrupted(signal: AbortSignal | undefined): ToolError {
  return new ToolError('interrupted', `interrupted by ${String(signal?.reason ?? 'its caller')}`);
}
