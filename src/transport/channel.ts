/** One end of a move: messages to the other side and from it, over any stream of bytes. */

import type { Readable, Writable } from 'node:stream';
import { ToolError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { LinkError } from './errors.js';
import { FrameReader, FrameWriter } from './frames.js';
import { decodeMessage, encodeMessage, type Message } from './messages.js';

export interface Channel {
  /** Resolves when there is room for more; whether it arrives is not known then. @throws LinkError */
  send(message: Message): Promise<void>;
  /**
   * The next message of the other side.
   *
   * @throws LinkError when the link is gone, InputError 'stream' when what comes is no message
   */
  receive(): Promise<Message>;
}

/** @param input bytes of the other side @param output to it */
export function streamChannel(input: Readable, output: Writable): Channel {
  const reader = new FrameReader(input);
  const writer = new FrameWriter(output);
  return {
    async send(message) {
      if (message.name !== 'bytes') trace('move', () => `says ${message.name}`);
      const { kind, parts } = encodeMessage(message);
      try {
        await writer.write(kind, parts, message.name !== 'bytes');
      } catch {
        throw new LinkError('the connection to the other side is gone');
      }
    },
    async receive() {
      const frame = await reader.next();
      if (frame === undefined) throw new LinkError('the connection to the other side is gone');
      const message = decodeMessage(frame.kind, frame.payload);
      if (message.name !== 'bytes') trace('move', () => `hears ${message.name}`);
      return message;
    },
  };
}

/**
 * Gives up on a side that says nothing.
 *
 * @param milliseconds for which it may
 * @param signal given up earlier, by who waits
 * @throws LinkError; what `work` does later is lost
 */
export async function within<T>(milliseconds: number, signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let abort = () => {};
  const given = new Promise<never>((_, reject) => {
    const seconds = Math.round(milliseconds / 1000);
    timer = setTimeout(() => reject(new LinkError(`the other side has said nothing for ${seconds} s`)), milliseconds);
    abort = () => reject(new ToolError('interrupted', `interrupted by ${String(signal?.reason ?? 'its caller')}`));
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
  work.catch(() => {}); // heard of in time, or never
  try {
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
