/**
 * Sends what a program prints into its pipes on to the lattice, in order, a piece at a time. A program that prints faster
 * than the lattice takes it waits, so here is never more than a piece and what the pipes hold.
 */

import { closeSync } from 'node:fs';
import { PIPE_MAX, readPipe } from './output-pipes.js';

/** Bytes of a piece, at most. */
export const PIECE = 64 * 1024;
/** How often the pipes are looked at, in milliseconds. */
const LOOK = 100;
/** The same, while a piece is not full yet. */
const FILL = 10;

export type Stream = 'stdout' | 'stderr';
/** @returns false: nobody wants to have it any more. @throws when it has to be tried again */
export type Publish = (stream: Stream, data: Uint8Array) => Promise<boolean>;

interface Tailed {
  readonly stream: Stream;
  readonly fd: number;
  readonly buffer: Uint8Array;
  /** Bytes of the buffer that are not sent yet. */
  length: number;
  /** When the first of them came. */
  since: number;
}

/** Somebody who waits until everything is sent that was printed by a moment. */
interface Waiting {
  /** Bytes of each pipe that were read since: more than it holds are later ones. */
  readonly read: Map<Tailed, number>;
  readonly resolve: () => void;
}

export class LogSender {
  private readonly pipes: Tailed[];
  private isLast = false;
  private isGivenUp = false;
  private waiting: Waiting[] = [];
  private isClosed = false;
  private wake = () => {};
  /** Resolves when everything has been sent. */
  readonly done: Promise<void>;

  /** @param readers the ends of the pipes of standard output and standard error, which do not block; it closes them */
  constructor(
    readers: readonly [number, number],
    private readonly publish: Publish,
  ) {
    const streams = ['stdout', 'stderr'] as const;
    this.pipes = readers.map((fd, i) => {
      return { stream: streams[i]!, fd, buffer: Buffer.alloc(PIECE), length: 0, since: 0 };
    });
    this.done = this.run();
  }

  /** Resolves when everything that is printed by now has been sent, or is given up. What is printed later is not waited for. */
  async flushed(): Promise<void> {
    if (this.isClosed) return;
    const sent = new Promise<void>((resolve) => {
      this.waiting.push({ read: new Map(this.pipes.map((pipe) => [pipe, 0])), resolve });
    });
    this.wake();
    await Promise.race([sent, this.done]);
  }

  /** Nothing more will be printed. */
  finish(): Promise<void> {
    this.isLast = true;
    this.wake();
    return this.done;
  }

  /** The rest is not to be sent. */
  giveUp(): void {
    this.isLast = true;
    this.isGivenUp = true;
    this.wake();
  }

  /** Until the time is over, or somebody waits. */
  private sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async run(): Promise<void> {
    try {
      for (;;) {
        const isLast = this.isLast;
        const isWaitedFor = this.waiting.length > 0;
        let hasSent = false;
        for (const pipe of this.pipes) {
          this.fill(pipe);
          const isDue = pipe.length === PIECE || isLast || isWaitedFor || performance.now() - pipe.since >= LOOK;
          if (pipe.length === 0 || !isDue) continue;
          await this.send(pipe);
          hasSent = true;
        }
        if (this.isGivenUp) return;
        this.tellWaiting();
        if (hasSent) continue;
        if (isLast) return;
        if (this.waiting.length === 0) await this.sleep(this.pipes.some(({ length }) => length > 0) ? FILL : LOOK);
      }
    } finally {
      this.isClosed = true;
      for (const { fd } of this.pipes) closeSync(fd);
    }
  }

  private fill(pipe: Tailed): void {
    while (pipe.length < PIECE) {
      const count = readPipe(pipe.fd, pipe.buffer, pipe.length) ?? 0;
      if (count === 0) {
        for (const { read } of this.waiting) read.set(pipe, PIPE_MAX);
        return;
      }
      if (pipe.length === 0) pipe.since = performance.now();
      pipe.length += count;
      for (const { read } of this.waiting) read.set(pipe, (read.get(pipe) ?? 0) + count);
    }
  }

  /** What was read is sent now. */
  private tellWaiting(): void {
    this.waiting = this.waiting.filter(({ read, resolve }) => {
      if (this.pipes.some((pipe) => pipe.length > 0 || read.get(pipe)! < PIPE_MAX)) return true;
      resolve();
      return false;
    });
  }

  private async send(pipe: Tailed): Promise<void> {
    const data = Uint8Array.from(pipe.buffer.subarray(0, pipe.length));
    while (!this.isGivenUp) {
      try {
        if (await this.publish(pipe.stream, data)) break;
        this.giveUp();
      } catch {
        await this.sleep(LOOK);
      }
    }
    pipe.length = 0;
  }
}
