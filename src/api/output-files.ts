/** Files for what a program prints, which outlive it. */

import { closeSync, fstatSync, linkSync, openSync, readSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createFolders } from '../base/create-folders.js';
import { systemReason, ToolError } from '../base/errors.js';
import { ownName } from '../base/temporary.js';
import type { ProgramOutput } from './held-program.js';

/** How much of a failed process's output is reported, in bytes. */
const SAID_MAX = 4096;

/**
 * `NAME-PID.out` and `NAME-PID.err`. The pid is known only once the process has the files, so until then they are
 * temporary: a later receiver removes them when this one was killed.
 */
export class OutputFiles implements ProgramOutput {
  /** Where standard output and standard error are, as of now. */
  paths: readonly [string, string];
  readonly descriptors: readonly [number, number];

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    const temporary = (end: string) => join(folder, `.${name}.${end}.${ownName()}.tmp`);
    this.paths = [temporary('out'), temporary('err')];
    try {
      createFolders(folder);
      const out = openSync(this.paths[0], 'wx', 0o600);
      this.descriptors = [out, openSync(this.paths[1], 'wx', 0o600)];
    } catch (error) {
      throw new ToolError('write', `${folder}: files for its output cannot be made: ${systemReason(error)}`);
    }
  }

  get out(): string {
    return this.paths[0];
  }

  /** Files of an earlier process with the same pid are kept: the new ones then get another number. */
  nameAfter(pid: number): void {
    const TRIES = 1000;
    for (let n = 1; n <= TRIES; n++) {
      const base = join(this.folder, `${this.name}-${pid}${n === 1 ? '' : `-${n}`}`);
      const [out, err] = this.paths;
      const named = [`${base}.out`, `${base}.err`] as const;
      if (!moveTo(out, named[0])) continue;
      if (moveTo(err, named[1])) {
        this.paths = named;
        return;
      }
      renameSync(named[0], out); // both, or neither
    }
    throw new ToolError('write', `${this.folder}: there are ${TRIES} files of a program with pid ${pid}: remove some`);
  }

  /** What the process has written to its standard error. */
  said(): string {
    const fd = openSync(this.paths[1], 'r');
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
    for (const path of this.paths) {
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
