/**
 * Frames from a pipe or a socket of this process, which the system reads into their slots: Node's streams would read
 * into fresh buffers.
 */

import { Socket } from 'node:net';
import { FrameSlots } from './frame-slots.js';
import type { Frame, FrameSource } from './frames.js';

export class SocketFrames implements FrameSource {
  received = 0;
  private readonly socket: Socket;
  private readonly slots = new FrameSlots();
  private isOver = false;
  /** Called when there is something new for next(). */
  private wake = () => {};

  /** Reads from the descriptor, of a pipe or a socket, from now on. Nobody else may. */
  constructor(descriptor: number) {
    const onread = { buffer: () => this.slots.room(), callback: (count: number) => this.take(count) };
    const options = { fd: descriptor, readable: true, writable: false, onread };
    this.socket = new Socket(options);
    this.socket.on('error', () => {}); // 'close' follows
    this.socket.on('close', () => {
      this.isOver = true;
      this.wake();
    });
    this.socket.resume();
  }

  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.slots.next();
      if (frame !== undefined) {
        if (this.slots.wantsMore) this.socket.resume();
        return frame;
      }
      if (this.isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  close(): void {
    this.socket.destroy();
  }

  /** @returns whether to read on */
  private take(count: number): boolean {
    this.received += count;
    this.slots.filled(count);
    this.wake();
    return this.slots.wantsMore;
  }
}
