/**
 * The streams of a program that was received, for whoever is attached to it. What it prints goes to its files all the
 * same and is read from there: the program does not wait for the link, and nothing is lost when that ends.
 */

import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { ProcessEnd } from '../transport/attached-streams.js';
import type { HeldStreams } from '../transport/target.js';

/** Bytes that are sent in one message. */
const PIECE = 1 << 16;
/** Milliseconds between two looks at a file that no event has come of. */
const LOOK_AGAIN = 250;

export class ProgramStreams implements HeldStreams {
  private isDetached = false;
  private wake = () => {};

  /** @param paths of the files that standard output and standard error go to */
  constructor(
    private readonly stdin: Writable,
    private readonly paths: readonly [string, string],
    private readonly ended: Promise<ProcessEnd>,
  ) {
    stdin.on('error', () => {}); // it does not read any more
  }

  async forward(send: (stream: number, data: Uint8Array) => Promise<void>): Promise<ProcessEnd> {
    const files = await Promise.all(this.paths.map(async (path) => ({ file: await open(path, 'r'), at: 0 })));
    const watchers = this.paths.map((path) => this.watched(path));
    let end: ProcessEnd | undefined;
    void this.ended.then((how) => {
      end = how;
      this.wake();
    });
    try {
      for (;;) {
        const isOver = end; // what it had printed by then is there
        const woken = this.woken();
        let count = 0;
        for (const [n, part] of files.entries()) {
          const data = await readOn(part.file, part.at);
          if (data.length === 0) continue;
          await send(n + 1, data);
          part.at += data.length;
          count += data.length;
        }
        if (this.isDetached) throw new Error('detached');
        if (count > 0) continue;
        if (isOver !== undefined) return isOver;
        await woken;
      }
    } finally {
      for (const watcher of watchers) watcher?.close();
      for (const { file } of files) await file.close();
    }
  }

  async input(data: Uint8Array): Promise<void> {
    if (data.length === 0) this.stdin.end();
    else if (!this.stdin.destroyed && !this.stdin.write(data))
      await Promise.race([once(this.stdin, 'drain'), once(this.stdin, 'close')]);
  }

  detach(): void {
    this.isDetached = true;
    this.stdin.destroy();
    this.wake();
  }

  /** The next change, or a while. */
  private woken(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_AGAIN);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Where the system has no more watches to give, the file is looked at now and then. */
  private watched(path: string): FSWatcher | undefined {
    try {
      const watcher = watch(path, { persistent: false }, () => this.wake());
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      return undefined;
    }
  }
}

async function readOn(file: FileHandle, at: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(PIECE);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
  return buffer.subarray(0, bytesRead);
}
