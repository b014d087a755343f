/** `wag-snap fork`: starts clones of a running process, which continues. */

import type { CommandModule } from 'yargs';
import { attachGiven } from '../../src/api/find-process.js';
import { withCopy } from '../../src/api/fork.js';
import type { ImageProcess } from '../../src/capture/process.js';
import { type ContinuationOptions, continuationOptions } from '../options/continuation.js';
import { type CountOptions, countOptions, parseCount } from '../options/count.js';
import { DURATION, type LimitOptions, limitOptions, parseDuration, parseLimits } from '../options/limits.js';
import { type NameOptions, nameOptions, parseName } from '../options/name.js';
import { once, parseArch } from '../options/usage.js';
import { cloneFiles } from '../programs/clone-files.js';
import { runClones } from '../programs/clone-group.js';
import { grantsHere } from '../programs/continuation.js';
import { Interruption } from '../programs/interruption.js';
import { parseOnTrap, type TrapOptions, trapOptions } from '../programs/on-trap.js';
import { printWarning } from '../show/warning.js';

interface Options extends ContinuationOptions, CountOptions, LimitOptions, NameOptions, Pick<TrapOptions, 'onTrap'> {
  process: string;
  pauseBudget: string | undefined;
  verbose: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'fork <process>',
  describe: 'Start clones of a running process',
  builder: (yargs) =>
    yargs
      .positional('process', { type: 'string', demandOption: true, describe: 'the pid or name of a process' })
      .options({ ...countOptions, count: { ...countOptions.count, describe: 'N: how many clones, 1 if not given' } })
      .options(continuationOptions)
      .options(limitOptions)
      .options({ 'on-trap': trapOptions['on-trap'] })
      .options(nameOptions)
      .option('pause-budget', {
        type: 'string',
        requiresArg: true,
        coerce: once('pause-budget'),
        describe: `${DURATION}: how long the process may stand still, as far as possible; default: 20ms`,
      })
      .option('verbose', { alias: 'v', type: 'boolean', default: false, describe: 'print the pids' })
      .example([
        ['$0 fork 4711 --count 50 --output-dir out', 'fifty of it, and a file for what each prints'],
        ['$0 fork worker --dir /srv/data::/data:ro', 'one more, with a directory that it may only read'],
      ]) as never,
  handler: async (options) => {
    const limits = parseLimits(options);
    const count = parseCount(options) ?? 1;
    const arch = parseArch(options.arch);
    const name = parseName(options);
    const { park } = parseOnTrap({ ...options, coredump: undefined }, []);
    const pauseBudget =
      options.pauseBudget === undefined ? undefined : parseDuration('pause-budget', options.pauseBudget);
    const { prepareRestored, readRestorable } = await import('../../src/api/restored-image.js');
    await copied(options.process, pauseBudget, async (path) => {
      const stored = await readRestorable(path);
      const grants = await grantsHere(stored, options, { count, check: true });
      const request = { arch, grants, name, ...limits, allowProc: options.allowProc };
      await runClones((signal) => prepareRestored(stored, request, false, signal), {
        count,
        env: park ? { WAGSNAP_ON_TRAP: 'park' } : {},
        files: cloneFiles(options.outputDir),
        timeout: limits.timeout,
        verbose: options.verbose,
      });
    });
  },
};
export default command;

/** @param use gets the path of a copy; the process runs on, and is let go of */
async function copied(
  text: string,
  pauseBudget: number | undefined,
  use: (path: string) => Promise<void>,
): Promise<void> {
  const interruption = new Interruption('nothing was started');
  let workload: ImageProcess | undefined;
  const letGo = () => {
    interruption.stop();
    workload?.close();
    workload = undefined;
  };
  try {
    workload = await attachGiven(text);
    const copy = { pauseBudget, signal: interruption.abortSignal, onWarning: printWarning };
    await withCopy(workload, copy, async (path) => {
      letGo();
      await use(path);
    });
  } finally {
    letGo();
  }
}
