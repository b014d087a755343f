/**
 * Pipes for what a program prints. Nothing of it is on a disk here, and a program that prints faster than its pipes are
 * read waits.
 */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemReason, ToolError } from '../base/errors.js';
import type { ProgramOutput } from './held-program.js';

/** The most bytes that a pipe holds: 64 KiB on x86-64, and 1 MiB where pages have 64 KiB (pipe(7)). */
export const PIPE_MAX = 1 << 20;

/** How much of a failed process's output is reported, in bytes. */
const SAID_MAX = 4096;

export class OutputPipes implements ProgramOutput {
  readonly out = 'the log of its job';
  private isRemoved = false;

  private constructor(
    readonly descriptors: readonly [number, number],
    /** The other ends, which never block: read by whoever has them, who closes them. */
    readonly readers: readonly [number, number],
  ) {}

  /** @param folder where they have names for a moment. @throws ToolError */
  static async make(folder: string): Promise<OutputPipes> {
    const base = join(folder, `.${randomBytes(6).toString('hex')}`);
    const paths = [`${base}.out`, `${base}.err`] as const;
    const opened: number[] = [];
    const open = (path: string, flags: number) => {
      opened.push(openSync(path, flags));
      return opened.at(-1)!;
    };
    try {
      await promisify(execFile)('mkfifo', ['-m', '600', ...paths]);
      const readers = paths.map((path) => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
      const writers = paths.map((path) => open(path, constants.O_WRONLY));
      return new OutputPipes([writers[0]!, writers[1]!], [readers[0]!, readers[1]!]);
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      throw new ToolError('write', `${folder}: pipes for its output cannot be made (mkfifo): ${systemReason(error)}`);
    } finally {
      for (const path of paths) rmSync(path, { force: true });
    }
  }

  nameAfter(): void {
    // they have no names
  }

  said(): string {
    const bytes = Buffer.alloc(SAID_MAX);
    const length = readPipe(this.readers[1], bytes) ?? 0;
    return bytes.toString('utf8', 0, length).trim().split('\n')[0] || 'it has ended';
  }

  close(): void {
    for (const fd of this.descriptors) closeSync(fd);
  }

  remove(): void {
    if (!this.isRemoved) for (const fd of this.readers) closeSync(fd);
    this.isRemoved = true;
  }
}

/** Reads what is there. @returns the number of bytes; 0 when nobody can write any more, undefined when there is nothing now */
export function readPipe(fd: number, target: Uint8Array, offset = 0): number | undefined {
  try {
    return readSync(fd, target, offset, target.length - offset, null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}
