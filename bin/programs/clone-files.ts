/** What clones print to, with `--output-dir DIR`: `NAME-NUMBER.out` and `NAME-NUMBER.err`. */

import { closeSync, openSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Prepared } from '../../src/api/prepared.js';
import { createFolders } from '../../src/base/create-folders.js';
import { systemReason, ToolError } from '../../src/base/errors.js';
import { moduleName } from './input-file.js';

/** Its owner's alone: what a program prints is its own. */
const MODE = 0o600;

export class CloneFiles {
  private readonly made: string[] = [];
  private readonly open: number[] = [];

  /** @param name of the program, a part of a file's name. @throws ToolError */
  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    try {
      createFolders(folder);
    } catch (error) {
      throw new ToolError('write', `--output-dir ${folder}: cannot be made: ${systemReason(error)}`);
    }
  }

  /**
   * Descriptors for one clone's standard output and error. Files that are there already are kept.
   *
   * @throws ToolError
   */
  descriptors(number: number): [number, number] {
    return [this.make(`${this.name}-${number}.out`), this.make(`${this.name}-${number}.err`)];
  }

  /** The clones have them. */
  close(): void {
    for (const fd of this.open.splice(0)) closeSync(fd);
  }

  /** No clone was started: nothing is in them. */
  remove(): void {
    this.close();
    for (const path of this.made) unlinkSync(path);
  }

  private make(file: string): number {
    const path = join(this.folder, file);
    try {
      const fd = openSync(path, 'wx', MODE);
      this.open.push(fd);
      this.made.push(path);
      return fd;
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
      const why = isThere ? 'there is one already: remove it, or name another folder' : systemReason(error);
      throw new ToolError('write', `--output-dir: ${path}: cannot be made: ${why}`);
    }
  }
}

/** For runClones. */
export function cloneFiles(folder: string | undefined): ((prepared: Prepared) => CloneFiles) | undefined {
  if (folder === undefined) return undefined;
  return ({ name, argv0 }) =>
    new CloneFiles(folder, (name ?? moduleName(basename(argv0))).replace(/[^\w.+-]/g, '_') || 'program');
}
