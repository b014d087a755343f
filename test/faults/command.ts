/**
 * The command line under a fault: runs bin/wag-snap with one call failing (inject.mjs), judges what it says, and finds
 * out at which calls there is anything to fail.
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exhaustive } from '../support/sampling.js';

export const CLI = resolve(process.env['WAGSNAP_CLI'] ?? 'bin/wag-snap');
const HOOK = pathToFileURL(resolve(import.meta.dirname, 'inject.mjs')).href;
/** A command that takes longer hangs: most take a tenth of a second. */
const PATIENCE = 300_000;

/** One call of a command and what happens to it. */
export interface Fault {
  readonly label: string;
  /** Of those with this label, from 0. */
  readonly nth: number;
  /** An errno's name, a signal's, or 'short'. */
  readonly act: string;
}

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether the faulty call was made at all. */
  readonly reached: boolean;
}

export interface CommandOptions {
  /** What inject.mjs looks at. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly fault?: Fault;
  /** Called with the command's pid. */
  readonly onStart?: (pid: number) => void;
  /** Through another program, such as setpriv with its options. */
  readonly through?: readonly string[];
}

/** Runs a command to its end. */
export async function command(args: readonly string[], options: CommandOptions): Promise<Outcome> {
  const mark = join(options.folder, 'mark');
  rmSync(mark, { force: true });
  const fault = options.fault && { ...options.fault, folder: options.folder, mark };
  return run(args, options, fault);
}

/** How often a command makes the call of each label when nothing goes wrong. */
export class Calls extends Map<string, number> {
  /** Of each label: its calls (from 0) that differ in where they are made: the first and the last of each place. */
  readonly distinct = new Map<string, number[]>();

  /** @param calls in their order */
  static of(calls: readonly Call[]): Calls {
    const counts = new Calls();
    const ends = new Map<string, { label: string; first: number; last: number }>();
    for (const { label, place } of calls) {
      const nth = counts.get(label) ?? 0;
      counts.set(label, nth + 1);
      const key = `${label} ${place}`;
      ends.set(key, { label, first: ends.get(key)?.first ?? nth, last: nth });
    }
    for (const { label, first, last } of ends.values()) {
      counts.distinct.set(label, [...new Set([...(counts.distinct.get(label) ?? []), first, last])]);
    }
    return counts;
  }
}

export interface Call {
  readonly label: string;
  /** Where it is made: see inject.mjs. */
  readonly place: string;
}

/** The calls that a command makes when nothing goes wrong. */
export async function trace(args: readonly string[], options: CommandOptions): Promise<Calls> {
  return Calls.of(await calls(args, options));
}

/** The same, in their order. */
export async function calls(args: readonly string[], options: CommandOptions): Promise<Call[]> {
  const file = join(options.folder, 'trace');
  const outcome = await run(args, options, { folder: options.folder, trace: file });
  if (outcome.code !== 0) throw new Error(`${args.join(' ')}: ${JSON.stringify(outcome)}`);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  rmSync(file);
  return lines.map((line) => {
    const [label, place] = line.split('\t');
    return { label, place };
  });
}

async function run(
  args: readonly string[],
  { env, input, onStart, through = [], folder }: CommandOptions,
  fault: object | undefined,
): Promise<Outcome> {
  const hook = fault === undefined ? [] : ['--import', HOOK];
  const all = [...through, process.execPath, ...hook, CLI, ...args];
  const child = spawn(all[0], all.slice(1), {
    cwd: '/',
    env: { ...process.env, ...env, ...(fault === undefined ? {} : { WAGSNAP_FAULT: JSON.stringify(fault) }) },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  if (child.pid !== undefined) onStart?.(child.pid);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => done([code, signal]));
  });
  const mark = join(folder, 'mark');
  const reached = existsSync(mark);
  rmSync(mark, { force: true });
  return { code, signal, stdout, stderr, reached };
}

/** What is wrong with the way a command ended; undefined when nothing is. @param codes the exit codes that may be */
export function wrongEnding({ code, signal, stderr }: Outcome, codes: readonly number[]): string | undefined {
  if (signal !== null) return `it died of ${signal}`;
  if (code === null || !codes.includes(code)) return `exit code ${code}: ${stderr}`;
  if (/a bug of ours|^\s+at |node:internal|\bError\b/m.test(stderr)) return `it says ${JSON.stringify(stderr)}`;
  if (code === 0) return stderr === '' ? undefined : `it says ${JSON.stringify(stderr)}`;
  const lines = stderr.trimEnd().split('\n');
  if (lines.length !== 1 || !/^wag-snap: \S.*\S/.test(lines[0])) return `it says ${JSON.stringify(stderr)}`;
  return undefined;
}

const DENIED = ['EACCES'];
const ACTS: Readonly<Record<string, readonly string[]>> = {
  openSync: ['EACCES', 'EMFILE', 'EIO'],
  readFileSync: ['EACCES', 'EIO'],
  readSync: ['EIO', 'short'],
  read: ['EIO', 'short'],
  writeSync: ['ENOSPC', 'short', 'EIO', 'EDQUOT'],
  write: ['ENOSPC', 'short', 'EIO'],
  writeFileSync: ['ENOSPC', 'EACCES'],
  ftruncateSync: ['ENOSPC', 'EFBIG'],
  fsync: ['EIO', 'ENOSPC'],
  fdatasync: ['EIO'],
  fsyncSync: ['EIO', 'EINVAL'],
  closeSync: ['EIO'],
  fstatSync: ['EIO'],
  mkdirSync: ['ENOSPC', 'EACCES'],
  renameSync: ['ENOSPC', 'EACCES'],
  linkSync: ['ENOSPC', 'EMLINK'],
  copyFileSync: ['ENOSPC', 'EIO'],
  kill: ['EPERM', 'ESRCH'],
};
const ENDS = ['SIGTERM', 'SIGINT', 'SIGHUP'];

/**
 * A fault for each label, by chance: a call that fails, or is cut short, or one at which the command ends, killed or asked to. Or all of them, at all calls that differ: see support/sampling.ts.
 *
 * @param next random numbers in [0, 1)
 */
export function faultsFor(counts: ReadonlyMap<string, number> | Calls, next: () => number): Fault[] {
  const faults: Fault[] = [];
  const oneOf = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)];
  for (const [label, count] of counts) {
    if (label.startsWith('closeSync /proc/')) continue; // never fails
    const acts = ACTS[label.split(' ')[0]] ?? DENIED;
    const nths = Array.from({ length: count }, (_, nth) => nth);
    if (exhaustive) {
      const distinct = counts instanceof Calls ? counts.distinct.get(label)! : nths;
      for (const nth of distinct) {
        // what asks it to end is handled in one place
        const end = ENDS[faults.length % ENDS.length];
        for (const act of [...acts, 'SIGKILL', end]) faults.push({ label, nth, act });
      }
      continue;
    }
    const ends = next() < 0.5;
    faults.push({ label, nth: oneOf(nths), act: ends ? (next() < 0.7 ? 'SIGKILL' : oneOf(ENDS)) : oneOf(acts) });
  }
  return faults;
}

export function describeFault({ label, nth, act }: Fault): string {
  return `${act} at ${label} #${nth}`;
}
