/**
 * Frames from a pipe or a socket of this process, read in place: into a few buffers that are used again and again. Node's
 * streams read into fresh buffers, for which the kernel has to find and clear pages: that costs more than all else.
 *
 *     slot    | frame | frame | the beginning of one ...          its bytes so far are copied to the next slot,
 *     next    | ... and the rest of it | frame | ...              when they come close to the end of theirs
 *
 * Nothing more is read while a complete frame waits for next(). So four slots are enough, and none is counted: one for
 * each of the two frames whose payloads are valid, one for those that wait, and one for the beginning of the next.
 */

import { Socket } from 'node:net';
import { FRAME_MAX, type Frame, type FrameSource, HEAD, payloadLength } from './frames.js';

const SLOTS = 4;
/** With less room than this in a slot, the next one is filled: reads of a few bytes cost as much as large ones. */
const LITTLE = 1 << 16;

export class SocketFrames implements FrameSource {
  received = 0;
  private readonly socket: Socket;
  private readonly slots = Array.from({ length: SLOTS }, () => Buffer.allocUnsafeSlow(HEAD + FRAME_MAX));
  private slot = 0;
  /** Of the slot: where the first incomplete frame begins, and where the bytes that were read end. */
  private begin = 0;
  private end = 0;
  /** Complete, and not asked for yet. */
  private readonly ready: Frame[] = [];
  private failure: unknown;
  private isOver = false;
  /** Called when there is something new for next(). */
  private wake = () => {};

  /** Reads from the descriptor, of a pipe or a socket, from now on. Nobody else may. */
  constructor(descriptor: number) {
    const onread = { buffer: () => this.slots[this.slot].subarray(this.end), callback: (n: number) => this.take(n) };
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
    while (this.ready.length === 0) {
      if (this.failure !== undefined) throw this.failure;
      if (this.isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const frame = this.ready.shift();
    if (this.ready.length === 0 && this.failure === undefined) this.socket.resume();
    return frame;
  }

  close(): void {
    this.socket.destroy();
  }

  /** @returns whether to read on */
  private take(count: number): boolean {
    this.end += count;
    this.received += count;
    try {
      this.findFrames();
    } catch (error) {
      this.failure = error;
    }
    this.wake();
    return this.ready.length === 0 && this.failure === undefined;
  }

  /** @throws InputError 'stream' */
  private findFrames(): void {
    const bytes = this.slots[this.slot];
    while (this.end - this.begin >= HEAD) {
      const length = payloadLength(bytes, this.begin);
      const next = this.begin + HEAD + length;
      if (next > this.end) break;
      this.ready.push({ kind: bytes[this.begin + 4], payload: bytes.subarray(this.begin + HEAD, next) });
      this.begin = next;
    }
    if (this.begin === 0 || bytes.length - this.end >= LITTLE) return;
    this.slot = (this.slot + 1) % SLOTS;
    bytes.copy(this.slots[this.slot], 0, this.begin, this.end);
    this.end -= this.begin;
    this.begin = 0;
  }
}
