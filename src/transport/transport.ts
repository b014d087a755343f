/** A way to another host: anything that provides a stream of bytes in both directions. */

import type { Readable, Writable } from 'node:stream';

export interface Transport {
  /** The other host's name, for messages. */
  readonly name: string;
  /**
   * Connects to a receiver: `wag-snap receive --stdio` or the library's receive().
   *
   * @throws ToolError when it cannot be reached
   */
  connect(): Promise<Link>;
}

export interface Link {
  /** Bytes from the other side. */
  readonly input: Readable;
  /** Bytes to the other side. Its back pressure is the link's speed. */
  readonly output: Writable;
  /** Resolves once what makes the link has ended, to how, in words: a command, by its exit code. */
  readonly ended?: Promise<string>;
  /** Ends both directions, so that the other side sees the end of the stream. */
  close(): void;
}
