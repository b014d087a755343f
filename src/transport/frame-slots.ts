/**
 * Finds frames in the bytes of a stream: in a few buffers that are used again and again. With fresh buffers the kernel
 * has to find and clear pages for each, which costs more than all else.
 *
 *     slot    | frame | frame | the beginning of one ...          its bytes so far are copied to the next slot,
 *     next    | ... and the rest of it | frame | ...              when they come close to the end of theirs
 *
 * Nothing more may be filled in while a complete frame waits for next(). So four slots are enough, and none is counted:
 * one for each of the two frames whose payloads are valid, one for those that wait, and one for the beginning of the next.
 */

import { FRAME_MAX, type Frame, HEAD, payloadLength } from './frames.js';

const SLOTS = 4;
/** With less room than this in a slot, the next one is filled: reads of a few bytes cost as much as large ones. */
const LITTLE = 1 << 16;

export class FrameSlots {
  private readonly slots = Array.from({ length: SLOTS }, () => Buffer.allocUnsafeSlow(HEAD + FRAME_MAX));
  private slot = 0;
  /** Of the slot: where the first incomplete frame begins, and where the bytes that have come end. */
  private begin = 0;
  private end = 0;
  /** Complete, and not asked for yet. */
  private readonly ready: Frame[] = [];
  private failure: unknown;

  /** Whether bytes may be filled in: no frame waits, and all so far were frames. */
  get wantsMore(): boolean {
    return this.ready.length === 0 && this.failure === undefined;
  }

  /** Where the next bytes belong: never empty. */
  room(): Buffer {
    return this.slots[this.slot].subarray(this.end);
  }

  /** So many bytes are in the room. */
  filled(count: number): void {
    this.end += count;
    try {
      this.findFrames();
    } catch (error) {
      this.failure = error;
    }
  }

  /** Undefined when more bytes are wanted first. @throws InputError 'stream' when those after the last one are no frame */
  next(): Frame | undefined {
    const frame = this.ready.shift();
    if (frame === undefined && this.failure !== undefined) throw this.failure;
    return frame;
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
