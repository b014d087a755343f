/**
 * What happens to a program that traps: the options `--on-trap park` and `--coredump FILE` of `run` and `restore`.
 *
 * For a coredump the process parks at its trap, as it may not open files by then, and tells this tool through a
 * descriptor. The tool writes the coredump and closes the descriptor. Then the process ends as it would have done
 * without.
 */

import type { ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Options as YargsOption } from 'yargs';
import { TrapListener } from '../../src/api/trap-listener.js';
import { WagSnapError } from '../../src/base/errors.js';
import { type Destination, type Input, openDestination } from '../../src/base/output.js';
import { withoutTemporaries } from '../../src/base/temporary-names.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import { once, UsageError } from '../options/usage.js';
import { printWarning } from '../show/warning.js';
import type { Attendant } from './attendant.js';
import { Interruption } from './interruption.js';

/** The values from yargs. */
export interface TrapOptions {
  readonly onTrap: string | undefined;
  readonly coredump: string | undefined;
}

export const trapOptions = {
  'on-trap': {
    type: 'string',
    requiresArg: true,
    coerce: once('on-trap'),
    describe: 'exit (the default) or park: a program that traps stays, so that it can be captured',
  },
  coredump: {
    type: 'string',
    requiresArg: true,
    coerce: once('coredump'),
    describe: 'FILE for a WebAssembly coredump when it traps',
  },
} satisfies Record<string, YargsOption>;

export interface OnTrap {
  readonly park: boolean;
  readonly coredump: CoredumpOutput | undefined;
}

/** The coredump's destination: checked when the program starts, opened when it has trapped. */
interface CoredumpOutput {
  readonly path: string;
  open(): Destination;
}

/**
 * @param inputs the files that the command reads
 * @throws UsageError, ToolError
 */
export function parseOnTrap({ onTrap, coredump }: TrapOptions, inputs: readonly Input[]): OnTrap {
  if (onTrap !== undefined && onTrap !== 'park' && onTrap !== 'exit') {
    throw new UsageError(`--on-trap ${onTrap}: expected park or exit`);
  }
  const park = onTrap === 'park';
  if (park && coredump !== undefined) {
    throw new UsageError(
      '--on-trap park and --coredump exclude each other: wag-snap coredump PID makes one of a parked program',
    );
  }
  return { park, coredump: coredump === undefined ? undefined : coredumpOutput(coredump, inputs) };
}

/** A FIFO is waited for when there is something to write, not before the program starts. */
function coredumpOutput(path: string, inputs: readonly Input[]): CoredumpOutput {
  const stat = statSync(path, { throwIfNoEntry: false });
  const checked = stat?.isFIFO() ? undefined : openDestination(path, inputs);
  return { path, open: () => checked ?? openDestination(path, inputs) };
}

/** What a process that may trap is started with, and the tool's tasks for it. */
export class TrapWatch implements Attendant {
  readonly descriptors: readonly 'pipe'[];
  readonly env: Readonly<Record<string, string>>;
  private readonly listener: TrapListener | undefined;
  /** Once the program has trapped and a coredump is about to be written, its timeout no longer counts. */
  private endTimeout = () => {};

  /** @param descriptor the first free descriptor number of the process */
  constructor({ park, coredump }: OnTrap, descriptor: number) {
    const onTrap = (pid: number, output: CoredumpOutput) => {
      this.endTimeout();
      return report(pid, output);
    };
    this.listener = coredump && new TrapListener(descriptor, (pid) => onTrap(pid, coredump));
    this.descriptors = this.listener?.descriptors ?? [];
    this.env = this.listener?.env ?? (park ? { WAGSNAP_ON_TRAP: 'park' } : {});
  }

  start(child: ChildProcess, endTimeout: () => void): void {
    this.endTimeout = endTimeout;
    this.listener?.start(child);
  }

  async finished(): Promise<void> {
    await this.listener?.finished();
  }
}

/** A missing coredump does not change how the program ended. */
async function report(pid: number, output: CoredumpOutput): Promise<void> {
  try {
    const [{ coredumpOfProcess }, { attachGiven }] = await Promise.all([
      import('../../src/api/coredump.js'),
      import('../../src/api/find-process.js'),
    ]);
    const workload = await attachGiven(String(pid));
    const interruption = new Interruption('nothing was written');
    try {
      await coredumpOfProcess(workload, output.open(), { signal: interruption.abortSignal, onWarning: printWarning });
    } finally {
      interruption.stop();
      workload.close();
    }
    process.stderr.write(terminalLines([`wag-snap: coredump in ${output.path}`]));
  } catch (error) {
    if (!(error instanceof WagSnapError)) throw error;
    const lines = [`wag-snap: no coredump: ${error.headline}`, ...error.details];
    process.stderr.write(terminalLines(lines.map(withoutTemporaries)));
  }
}
