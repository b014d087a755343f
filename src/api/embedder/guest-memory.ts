/**
 * Access to the memory of a guest that waits in a call, by requests to its process (runtime/embedder/guest-memory.ts).
 * Requests are answered in order. Those that are unanswered when the process is captured and ended are sent again to
 * the process that continues the call.
 */

import { ToolError } from '../../base/errors.js';
import {
  FAULT_MEMORY,
  MEMORY_PIECE,
  MSG_BYTES,
  MSG_FAULT,
  MSG_SIZE_IS,
  MSG_WRITTEN,
} from '../../image/contract/embedder.js';
import type { GuestMemory } from './call-context.js';
import { type Message, protocolError, readRequest, sizeRequest, writeRequest } from './messages.js';

interface Request {
  readonly bytes: Buffer;
  /** The kind of the answering message, and the size of its body in bytes. */
  readonly answer: number;
  readonly length: number;
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
}

const U32 = 0x1_0000_0000;

export class MemoryRequests {
  private waiting: Request[] = [];
  /** Creates the error of a failed request: most calls end without one. */
  private ended: (() => Error) | undefined;

  /** @param send to the process, if one is connected */
  constructor(private readonly send: (bytes: Buffer) => void) {}

  memory(index: number): GuestMemory {
    if (!Number.isInteger(index) || index < 0 || index >= U32) throw new RangeError(`there is no memory ${index}`);
    return {
      read: (address, length) => this.read(index, address, length),
      write: (address, bytes) => this.write(index, address, bytes),
      size: async () => {
        const body = await this.ask(sizeRequest(index), MSG_SIZE_IS, 8);
        return Number(body.readBigUInt64LE());
      },
    };
  }

  /** @throws InputError for an answer that matches no request */
  take({ kind, body }: Message): void {
    const request = this.waiting.shift();
    if (request === undefined) throw protocolError('an answer without a request');
    if (kind === MSG_FAULT && body.length === 4) {
      request.reject(new RangeError(faultText(body.readUInt32LE())));
    } else if (kind === request.answer && body.length === request.length) request.resolve(body);
    else {
      this.waiting.unshift(request);
      throw protocolError('an answer to another request');
    }
  }

  /** Sends the unanswered requests again, to the process that continues. */
  sendAgain(): void {
    for (const { bytes } of this.waiting) this.send(bytes);
  }

  /** Rejects all requests: nothing can be asked any more. */
  end(error: () => Error): void {
    this.ended ??= error;
    if (this.waiting.length === 0) return;
    for (const { reject } of this.waiting.splice(0)) reject(this.ended());
  }

  private async read(index: number, address: number | bigint, length: number): Promise<Uint8Array> {
    checkLength(length);
    const from = addressOf(address);
    const bytes = new Uint8Array(length);
    const pieces: Promise<void>[] = [];
    // the last piece first, so that a range that does not fit fails before anything is read
    for (let at = lastPiece(length); at >= 0; at -= MEMORY_PIECE) {
      const size = Math.min(MEMORY_PIECE, length - at);
      const answer = this.ask(readRequest(index, from + BigInt(at), size), MSG_BYTES, size);
      pieces.push(answer.then((body) => bytes.set(body, at)));
    }
    await Promise.all(pieces);
    return bytes;
  }

  private async write(index: number, address: number | bigint, bytes: Uint8Array): Promise<void> {
    const from = addressOf(address);
    const last = lastPiece(bytes.length);
    // the last piece first and alone, so that a range that does not fit fails before anything is written
    await this.writePiece(index, from, bytes, last);
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < last; at += MEMORY_PIECE) pieces.push(this.writePiece(index, from, bytes, at));
    await Promise.all(pieces);
  }

  private async writePiece(index: number, from: bigint, bytes: Uint8Array, at: number): Promise<void> {
    const piece = bytes.subarray(at, at + MEMORY_PIECE);
    await this.ask(writeRequest(index, from + BigInt(at), piece), MSG_WRITTEN, 0);
  }

  private ask(bytes: Buffer, answer: number, length: number): Promise<Buffer> {
    if (this.ended !== undefined) return Promise.reject(this.ended());
    return new Promise((resolve, reject) => {
      this.waiting.push({ bytes, answer, length, resolve, reject });
      this.send(bytes);
    });
  }
}

/** The error for memory access after the call was answered. */
export function callIsOver(): ToolError {
  return new ToolError('call-over', 'the call has been answered: its guest runs, and its memory cannot be reached');
}

export function processIsGone(): ToolError {
  return new ToolError('process-ended', 'the process that made the call has ended');
}

/** Guests' addresses are unsigned; an i32 arrives as a signed number. */
function addressOf(address: number | bigint): bigint {
  if (typeof address === 'bigint') return BigInt.asUintN(64, address);
  if (!Number.isSafeInteger(address) || address < -U32 / 2) throw new RangeError(`${address} is not an address`);
  return BigInt(address < 0 ? address + U32 : address);
}

function checkLength(length: number): void {
  if (Number.isSafeInteger(length) && length >= 0 && length <= U32) return;
  throw new RangeError(`${length} is not a number of bytes to read`);
}

function lastPiece(length: number): number {
  return Math.max(0, Math.ceil(length / MEMORY_PIECE) - 1) * MEMORY_PIECE;
}

function faultText(code: number): string {
  return code === FAULT_MEMORY ? 'the guest has no memory of that index' : "the range is not within the guest's memory";
}
