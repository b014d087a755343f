/** Sends what a program prints into its files on to the lattice, in order, a piece at a time. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Bytes of a piece, at most. */
const PIECE = 64 * 1024;
/** How often the files are looked at, in milliseconds. */
const LOOK = 100;

export type Stream = 'stdout' | 'stderr';
/** @returns false: nobody wants to have it any more. @throws when it has to be tried again */
export type Publish = (stream: Stream, data: Uint8Array) => Promise<boolean>;

interface Tailed {
  readonly stream: Stream;
  readonly fd: number;
  offset: number;
}

/** Somebody who waits until so much of each file has been sent. */
interface Waiting {
  readonly lengths: readonly number[];
  readonly resolve: () => void;
}

export class LogSender {
  private readonly files: Tailed[];
  private isLast = false;
  private isGivenUp = false;
  private waiting: Waiting[] = [];
  private isClosed = false;
  private readonly buffer = Buffer.alloc(PIECE);
  /** Resolves when everything has been sent. */
  readonly done: Promise<void>;

  /** @param paths of standard output and standard error */
  constructor(
    paths: readonly [string, string],
    private readonly publish: Publish,
  ) {
    const streams = ['stdout', 'stderr'] as const;
    this.files = paths.map((path, i) => ({ stream: streams[i]!, fd: openSync(path, 'r'), offset: 0 }));
    this.done = this.run();
  }

  /** Resolves when everything that is printed by now has been sent, or is given up. What is printed later is not waited for. */
  async flushed(): Promise<void> {
    if (this.isClosed) return;
    const lengths = this.files.map(({ fd }) => fstatSync(fd).size);
    const sent = new Promise<void>((resolve) => this.waiting.push({ lengths, resolve }));
    await Promise.race([sent, this.done]);
  }

  /** Nothing more will be printed. */
  finish(): Promise<void> {
    this.isLast = true;
    return this.done;
  }

  /** The rest is not to be sent. */
  giveUp(): void {
    this.isLast = true;
    this.isGivenUp = true;
  }

  private async run(): Promise<void> {
    try {
      for (;;) {
        const isLast = this.isLast;
        let sent = false;
        for (const file of this.files) sent = (await this.sendFrom(file)) || sent;
        if (this.isGivenUp) return;
        this.tellWaiting();
        if (sent) continue;
        if (isLast) return;
        await sleep(LOOK);
      }
    } finally {
      this.isClosed = true;
      for (const { fd } of this.files) closeSync(fd);
    }
  }

  private tellWaiting(): void {
    this.waiting = this.waiting.filter(({ lengths, resolve }) => {
      if (this.files.some(({ offset }, i) => offset < lengths[i]!)) return true;
      resolve();
      return false;
    });
  }

  /** @returns whether there was something */
  private async sendFrom(file: Tailed): Promise<boolean> {
    const length = readSync(file.fd, this.buffer, 0, PIECE, file.offset);
    if (length === 0) return false;
    const data = Uint8Array.from(this.buffer.subarray(0, length));
    while (!this.isGivenUp) {
      try {
        if (await this.publish(file.stream, data)) break;
        this.giveUp();
      } catch {
        await sleep(LOOK);
      }
    }
    file.offset += length;
    return true;
  }
}
