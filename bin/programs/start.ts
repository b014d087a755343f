/**
 * Starts a prepared program, for `run` and `restore`. This process becomes the program if Node can do it and nothing is
 * left to do. Otherwise the program is its child, and this process stands in for it.
 */

import { refuseWithoutEmbedder } from '../../src/api/embedder/needed.js';
import type { Prepared } from '../../src/api/prepared.js';
import type { LimitOptions } from '../options/limits.js';
import type { PidFile, PidFileOptions } from '../options/pid-file.js';
import type { TriggerOptions } from '../options/snapshot-triggers.js';
import type { Attendant } from './attendant.js';
import { becomeWorkload } from './become.js';
import { Interruption } from './interruption.js';
import type { TrapOptions } from './on-trap.js';
import { runWorkload } from './workload.js';

/** The first free descriptor number after the standard streams. */
const FIRST_DESCRIPTOR = 3;

export interface StartSettings {
  /** Whether this process may become the program, as nothing has to be done while it runs. */
  readonly mayBecome: boolean;
  /** Milliseconds after which the program is killed. */
  readonly timeout: number | undefined;
  readonly pidFile: PidFile;
  /** Whether to print its pid. */
  readonly verbose: boolean;
}

/** Whether nothing has to be done while the program runs, or after its end. */
export function needsNobody(options: LimitOptions & TrapOptions & PidFileOptions & TriggerOptions): boolean {
  const { timeout, coredump, pidFile, tag } = options;
  return timeout === undefined && coredump === undefined && pidFile === undefined && tag === undefined;
}

/**
 * Runs a program to its end. Sets our own exit code, or dies of the same signal.
 *
 * @param prepare makes it ready; its signal is aborted when a signal asks us to end
 * @param attend gets what is ready, before it starts. @param descriptor the first free descriptor number of the process
 */
export async function startPrepared<P extends Prepared>(
  prepare: (signal: AbortSignal) => Promise<P>,
  attend: (prepared: P, descriptor: number) => Promise<Attendant>,
  { mayBecome, timeout, pidFile, verbose }: StartSettings,
): Promise<void> {
  const interruption = new Interruption('nothing was started');
  let prepared: P | undefined;
  try {
    prepared = await prepare(interruption.abortSignal);
    const { image, argv0, args, descriptors, isTemporary, started, release, growing } = prepared;
    refuseWithoutEmbedder(prepared.hostImports, argv0);
    const attendant = await attend(prepared, FIRST_DESCRIPTOR + descriptors.length);
    const workload = {
      env: { ...prepared.env, ...attendant.env },
      argv0,
      args,
      descriptors: [...descriptors, ...attendant.descriptors],
      timeout,
      release,
      onEnd: () => pidFile.remove(),
      check: () => growing?.check(),
      ignored: attendant.ignored ?? [],
      takesSignal: (signal: NodeJS.Signals) => attendant.takesSignal?.(signal) ?? false,
    };
    // last, as whoever reads the pid may send signals
    const printPid = (pid: number) => verbose && process.stderr.write(`pid ${pid}\n`);
    if (mayBecome && growing === undefined) {
      await becomeWorkload(image, workload, isTemporary, async () => {
        await interruption.settle();
        printPid(process.pid);
      });
    }
    await runWorkload(image, workload, (pid, emulated, child, endTimeout) => {
      interruption.stop();
      started(pid, emulated);
      prepared?.bring?.(child);
      growing?.start(child);
      pidFile.write(pid);
      printPid(pid);
      attendant.start(child, endTimeout);
    });
    await attendant.finished();
    await growing?.finished();
  } finally {
    prepared?.growing?.stop();
    prepared?.release();
    interruption.stop();
  }
}
