/**
 * Clones as one command: their signals, their end. They are children of this process, and no process of Node's is beside
 * each. Standard input is empty, as no two can read the same; they print to where this command prints, or to a file each.
 */

import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { cloned } from '../../src/api/clones.js';
import { refuseWithoutEmbedder } from '../../src/api/embedder/needed.js';
import type { Prepared } from '../../src/api/prepared.js';
import { startImage } from '../../src/api/start.js';
import { LimitError, UsageError } from '../../src/base/errors.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import type { CloneFiles } from './clone-files.js';
import { Interruption } from './interruption.js';
import { FORWARDED } from './workload.js';

export interface GroupSettings {
  readonly count: number;
  /** Further variables of each process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Where they print to, by the prepared program's name; undefined: where we do. */
  readonly files?: ((prepared: Prepared) => CloneFiles) | undefined;
  /** Milliseconds after which those that are left are killed. */
  readonly timeout: number | undefined;
  /** Whether their pids are printed. */
  readonly verbose: boolean;
}

interface Clone {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
}

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs clones to their ends and sets our exit code: 0, or that of the first one, by number, that has another.
 *
 * @param prepare makes them ready; its signal is aborted when a signal asks us to end
 * @throws as prepare; LimitError when their time was over
 */
export async function runClones(
  prepare: (signal: AbortSignal) => Promise<Prepared>,
  settings: GroupSettings,
): Promise<void> {
  const clones = await startGroup(prepare, settings);
  const passOn = (signal: NodeJS.Signals) => {
    for (const { child } of clones) child.kill(signal);
  };
  const suspend = () => {
    passOn('SIGTSTP');
    process.kill(process.pid, 'SIGSTOP');
  };
  for (const signal of FORWARDED) process.on(signal, passOn);
  process.on('SIGTSTP', suspend);
  let isLate = false;
  const { timeout } = settings;
  const end = () => {
    isLate = true;
    passOn('SIGKILL');
  };
  const timer = timeout === undefined ? undefined : setTimeout(end, timeout);
  try {
    const endings = await Promise.all(clones.map(({ ended }) => ended));
    process.exitCode = endings.map(exitCode).find((code) => code !== 0) ?? 0;
    if (isLate) throw new LimitError('timeout', `the clones were ended after ${(timeout ?? 0) / 1000} s: --timeout`);
    reportEndings(endings);
  } finally {
    clearTimeout(timer);
    for (const signal of FORWARDED) process.off(signal, passOn);
    process.off('SIGTSTP', suspend);
  }
}

/** Starts all of them, or none. */
async function startGroup(
  prepare: (signal: AbortSignal) => Promise<Prepared>,
  { count, env, files: filesOf, verbose }: GroupSettings,
): Promise<Clone[]> {
  const interruption = new Interruption('nothing was started');
  const clones: Clone[] = [];
  let prepared: Prepared | undefined;
  let files: CloneFiles | undefined;
  try {
    prepared = await prepare(interruption.abortSignal);
    refuseWithoutEmbedder(prepared.hostImports, prepared.argv0);
    if (prepared.call !== undefined) {
      throw new UsageError('--count is for programs: this is a call (run --invoke), and its results are one');
    }
    const views = cloned(prepared, count);
    files = filesOf?.(prepared);
    for (const [number, view] of views.entries()) {
      clones.push(await startClone(view, { ...view.env, ...env }, files?.descriptors(number)));
      files?.close();
      await interruption.settle();
    }
    if (verbose) {
      const lines = clones.map(({ child }, number) => `clone ${number}: pid ${child.pid}`);
      process.stderr.write(`${lines.join('\n')}\n`);
    }
    return clones;
  } catch (error) {
    for (const { child } of clones) child.kill('SIGKILL');
    await Promise.all(clones.map(({ ended }) => ended));
    files?.remove();
    prepared?.release();
    throw error;
  } finally {
    interruption.stop();
  }
}

async function startClone(
  view: Prepared,
  env: Readonly<Record<string, string>>,
  output: readonly [number, number] | undefined,
): Promise<Clone> {
  const { image, argv0, args, descriptors } = view;
  const { child, emulated } = await startImage(image, {
    argv0,
    args,
    env,
    stdio: ['ignore', ...(output ?? (['inherit', 'inherit'] as const)), ...descriptors],
  });
  view.started(child.pid!, emulated);
  if (!emulated) view.release();
  const ended = new Promise<Ending>((done) => {
    child.once('exit', (code, signal) => {
      view.release();
      done({ code, signal });
    });
  });
  return { child, ended };
}

function exitCode({ code, signal }: Ending): number {
  return signal === null ? (code ?? 0) : 128 + (constants.signals[signal] ?? 0);
}

/** Of those that did not end well: who reads the output cannot see which one it was. */
function reportEndings(endings: readonly Ending[]): void {
  const lines = endings.flatMap((ending, number) => {
    const { code, signal } = ending;
    return code === 0 ? [] : [`wag-snap: clone ${number} ended with ${signal ?? `exit code ${code}`}`];
  });
  if (lines.length > 0) process.stderr.write(terminalLines(lines));
}
