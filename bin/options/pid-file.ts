/** `--pid-file FILE`: a file that holds the program's pid while it runs, for supervisors. */

import { readFileSync, unlinkSync } from 'node:fs';
import type { Options as YargsOption } from 'yargs';
import {
  type Destination,
  type Input,
  openDestination,
  refuseSameOutput,
  writeAt,
  writeOutput,
} from '../../src/base/output.js';
import { printWarning } from '../show/warning.js';
import { once } from './usage.js';

/** The value from yargs. */
export interface PidFileOptions {
  readonly pidFile: string | undefined;
}

export const pidFileOptions = {
  'pid-file': {
    type: 'string',
    requiresArg: true,
    coerce: once('pid-file'),
    describe: 'FILE that gets its pid, and is removed when it ends',
  },
} satisfies Record<string, YargsOption>;

/** Permissions: readable for everybody, before the umask. */
const MODE = 0o666;

export class PidFile {
  private readonly destination: Destination | undefined;
  private text = '';

  /**
   * @param inputs the files that the command reads, which no output may replace
   * @param coredump another file that the command may write
   * @throws ToolError when it cannot be written, OutputError: before anything is started
   */
  constructor({ pidFile }: PidFileOptions, inputs: readonly Input[], coredump?: string) {
    if (pidFile !== undefined && coredump !== undefined) refuseSameOutput(pidFile, coredump);
    this.destination = pidFile === undefined ? undefined : openDestination(pidFile, inputs);
  }

  /** Writes the pid when the program runs. A failure is no reason to end it. */
  write(pid: number): void {
    if (this.destination === undefined) return;
    this.text = `${pid}\n`;
    try {
      writeOutput(this.destination, (fd) => writeAt(fd, Buffer.from(this.text), 0), MODE);
    } catch (error) {
      printWarning(`no pid file: ${(error as Error).message}`);
    }
  }

  /** Removes the file, unless it belongs to another process by now. Never fails. */
  remove(): void {
    const { file } = this.destination ?? {};
    if (file === undefined || this.text === '') return;
    try {
      if (readFileSync(file, 'latin1') === this.text) unlinkSync(file);
    } catch {
      // It has been removed already.
    }
  }
}
