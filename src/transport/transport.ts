/** A way to another host: anything that gives a stream of bytes in both directions. */

import type { Readable, Writable } from 'node:stream';

export interface Transport {
  /** Of the other host, for messages. */
  readonly name: string;
  /**
   * Connects to a receiver, `wag-snap receive --stdio` or the library's receive().
   *
   * @throws ToolError when it cannot be reached
   */
  connect(): Promise<Link>;
}

export interface Link {
  /** What the other side sends. */
  readonly input: Readable;
  /** To the other side. Its back pressure is how fast the link is. */
  readonly output: Writable;
  /** Both directions end, which tells the other side that nothing comes any more. */
  close(): void;
}
