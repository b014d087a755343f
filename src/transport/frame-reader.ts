/** Frames from any stream: each chunk's bytes are copied to their slots. */

import type { Readable } from 'node:stream';
import { FrameSlots } from './frame-slots.js';
import type { Frame, FrameSource } from './frames.js';

const NOTHING = Buffer.alloc(0);

export class FrameReader implements FrameSource {
  received = 0;
  private readonly slots = new FrameSlots();
  /** What is left of the last chunk. */
  private rest: Buffer = NOTHING;
  private isOver: boolean;
  /** Called when there is something new to read. */
  private wake = () => {};

  constructor(private readonly stream: Readable) {
    this.isOver = stream.destroyed || stream.readableEnded;
    const end = () => {
      this.isOver = true;
      this.wake();
    };
    for (const event of ['end', 'error', 'close']) stream.on(event, end);
    stream.on('readable', () => this.wake());
  }

  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.slots.next();
      if (frame !== undefined) return frame;
      if (this.rest.length === 0) {
        const chunk = await this.chunk();
        if (chunk === undefined) return undefined;
        this.received += chunk.length;
        this.rest = chunk;
      }
      const count = this.rest.copy(this.slots.room());
      this.rest = this.rest.subarray(count);
      this.slots.filled(count);
    }
  }

  /**
   * Undefined at the end. What a failed stream has received before is read, too: a socket whose writing fails, as the
   * other side has ended, has its last words.
   */
  private async chunk(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.stream.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
