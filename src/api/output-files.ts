/** Files for what a program prints, which outlive it. */

import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, linkSync, openSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { systemReason, ToolError } from '../base/errors.js';
import type { ProgramOutput } from './held-program.js';

/** How much of a failed process's output is reported, in bytes. */
const SAID_MAX = 4096;

/**
 * `NAME-PID.out` and `NAME-PID.err`. The pid is known only once the process has the files, so until then they are named
 * by a number.
 */
export class OutputFiles implements ProgramOutput {
  private base: string;
  readonly descriptors: readonly [number, number];

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.base = join(folder, `.${name}-${randomBytes(6).toString('hex')}`);
    try {
      const out = openSync(this.out, 'wx', 0o600);
      this.descriptors = [out, openSync(this.err, 'wx', 0o600)];
    } catch (error) {
      throw new ToolError('write', `${folder}: files for its output cannot be made: ${systemReason(error)}`);
    }
  }

  get out(): string {
    return `${this.base}.out`;
  }

  /** Where standard output and standard error are, as of now. */
  get paths(): readonly [string, string] {
    return [this.out, this.err];
  }

  get err(): string {
    return `${this.base}.err`;
  }

  /** Files of an earlier process with the same pid are kept: the new ones then get another number. */
  nameAfter(pid: number): void {
    const TRIES = 1000;
    for (let n = 1; n <= TRIES; n++) {
      const base = join(this.folder, `${this.name}-${pid}${n === 1 ? '' : `-${n}`}`);
      if (!moveTo(this.out, `${base}.out`)) continue;
      moveTo(this.err, `${base}.err`);
      this.base = base;
      return;
    }
    throw new ToolError('write', `${this.folder}: there are ${TRIES} files of a program with pid ${pid}: remove some`);
  }

  /** What the process has written to its standard error. */
  said(): string {
    const fd = openSync(this.err, 'r');
    try {
      const bytes = Buffer.alloc(Math.min(SAID_MAX, fstatSync(fd).size));
      const length = readSync(fd, bytes, 0, bytes.length, 0);
      return bytes.toString('utf8', 0, length).trim().split('\n')[0] || 'it has ended';
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    for (const fd of this.descriptors) closeSync(fd);
  }

  /** Removes the files of a process that has not begun: nobody needs their contents. */
  remove(): void {
    for (const path of [this.out, this.err]) {
      try {
        unlinkSync(path);
      } catch {
        // somebody else has removed them
      }
    }
  }
}

/** @returns false when the name is taken */
function moveTo(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new ToolError('write', `${to}: cannot be made: ${systemReason(error)}`);
  }
  unlinkSync(from);
  return true;
}
