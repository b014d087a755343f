/**
 * Room for a store that is to get smaller: a file with bytes that nobody needs. A full disk has no room for the lock and
 * the index without the snapshots that are to be removed. Then the file is given up, and made again afterwards.
 */

import { randomBytes } from 'node:crypto';
import { lstatSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isDiskFull, reading, systemReason, ToolError } from '../../base/errors.js';
import { writeAt, writeOutput } from '../../base/output.js';

/** The name of the file. */
export const SPARE = 'spare';
/** Bytes besides those of the index: the lock is a folder with a file in it, and file systems count in blocks. */
const BESIDES = 64 << 10;

export class Spare {
  private readonly path: string;

  constructor(store: string) {
    this.path = join(store, SPARE);
  }

  /** Makes the file large enough for an index of so many bytes. Only while the store is locked. @throws ToolError */
  keepFor(bytes: number): void {
    const { path } = this;
    const size = reading(path, () => lstatSync(path, { throwIfNoEntry: false }))?.size ?? 0;
    if (size >= bytes + BESIDES) return;
    // an index grows by an entry at a time; random bytes, as some file systems compress others
    writeOutput(path, (fd) => writeAt(fd, randomBytes(2 * bytes + BESIDES), 0), 0o600);
  }

  /** The same if there is room for it. Never fails. */
  keepIfPossible(bytes: number): void {
    try {
      this.keepFor(bytes);
    } catch {
      // the next change of the store tries again
    }
  }

  /**
   * Runs a change that makes the store smaller; on a full disk again, after the file was given up.
   *
   * @throws as `change`, which must have changed nothing when the disk is full
   */
  async inNeed<T>(change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } catch (error) {
      if (!isDiskFull(error) || !this.giveUp()) throw withAdvice(error);
    }
    return change().catch((error) => {
      throw withAdvice(error);
    });
  }

  /** @returns whether there was one. @throws ToolError when it stays */
  private giveUp(): boolean {
    try {
      unlinkSync(this.path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw new ToolError('write', `${this.path}: cannot be removed: ${systemReason(error)}`);
    }
  }
}

function withAdvice(error: unknown): unknown {
  if (!isDiskFull(error)) return error;
  const { code, headline } = error as ToolError;
  return new ToolError(code, `${headline}: nothing was removed: make some room on that disk by other means first`);
}
