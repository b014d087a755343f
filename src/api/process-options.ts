/**
 * The options that a program is started with, and the environment variables that pass them to the image
 * (runtime/process/environment.ts). The program sees no variable that begins with WAGSNAP_.
 */

import { resolve } from 'node:path';
import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { STACK_MAX, STACK_MIN } from '../image/contract/sizes.js';
import { NAME_RULE, NAME_VARIABLE, nameProblem } from '../image/workload-name.js';
import type { Directory } from '../restore/grants.js';
import { parseListen } from './listen.js';

export type { Directory };

/** The range of a program's stack size in bytes (`maxStack`). */
export const STACK_RANGE = { least: STACK_MIN, most: STACK_MAX } as const;

/** Options that apply to images of modules and of snapshots alike. */
export interface ProcessLimits {
  /** Limit of all its memories and exceptions together, in bytes; memory.grow fails beyond it. */
  readonly maxMemory?: number | undefined;
  /** Stack size in bytes, within STACK_RANGE; default: 64 MiB. Deeper recursion traps. */
  readonly maxStack?: number | undefined;
  /** Allow directories on procfs. Through them the program could write its own code and leave the sandbox. */
  readonly allowProc?: boolean | undefined;
}

export interface ProcessOptions extends ProcessLimits {
  /** The program's complete environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Directories that the program may use. */
  readonly dirs?: readonly Directory[] | undefined;
  /** `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`: addresses at which the program may accept connections. */
  readonly listen?: readonly string[] | undefined;
  /** The workload's name, which can be used instead of the pid. */
  readonly name?: string | undefined;
}

/**
 * The complete environment of the process. Looks up host names.
 *
 * @throws UsageError, ToolError 'lookup'
 */
export async function processEnvironment(options: ProcessOptions): Promise<Record<string, string>> {
  const { env = {}, dirs = [], listen = [], name } = options;
  for (const variable of Object.keys(env)) checkVariable(variable);
  const listeners = await Promise.all(listen.map(parseListen));
  return {
    ...(name === undefined ? {} : { [NAME_VARIABLE]: checkName(name) }),
    ...env,
    ...(dirs.length === 0 ? {} : { WAGSNAP_DIR: formatDirs(dirs.map(checkDirectory)) }),
    ...limitVariables(options),
    ...(listeners.length === 0 ? {} : { WAGSNAP_LISTEN: listeners.join('\n') }),
  };
}

/** @throws UsageError */
export function limitVariables({ maxMemory, maxStack, allowProc }: ProcessLimits): Record<string, string> {
  if (maxMemory !== undefined && !(Number.isSafeInteger(maxMemory) && maxMemory > 0)) {
    throw new UsageError(`--max-memory ${maxMemory}: expected a number of bytes`);
  }
  if (maxStack !== undefined) checkStack(maxStack, String(maxStack));
  return {
    ...(allowProc ? { WAGSNAP_ALLOW_PROC: '1' } : {}),
    ...(maxMemory === undefined ? {} : { WAGSNAP_MAX_MEMORY: String(maxMemory) }),
    ...(maxStack === undefined ? {} : { WAGSNAP_MAX_STACK: String(maxStack) }),
  };
}

/** @param text the option as given, for the message. @throws UsageError */
export function checkStack(bytes: number, text: string): number {
  const { least, most } = STACK_RANGE;
  if (Number.isInteger(bytes) && bytes >= least && bytes <= most) return bytes;
  throw new UsageError(`--max-stack ${text}: expected ${least / 1024}K to ${most / 2 ** 20}M`);
}

/** @throws UsageError that says which names are valid */
export function checkName(name: string): string {
  const problem = nameProblem(name);
  if (problem === undefined) return name;
  throw new UsageError(`--name ${quoted(name)}: ${problem}; a name is ${NAME_RULE}`);
}

/** @throws UsageError */
export function checkVariable(name: string): void {
  if (!name.startsWith('WAGSNAP_')) return;
  throw new UsageError(`--env ${name}: names that start with WAGSNAP_ are wag-snap's own`);
}

/** @throws UsageError when the names do not fit in a line of WAGSNAP_DIR */
export function checkDirectory({ host, guest, readOnly = false }: Directory): Required<Directory> {
  const isNamed = typeof host === 'string' && typeof guest === 'string' && host !== '' && guest !== '';
  if (!isNamed) throw new UsageError('--dir: a directory has a path here and a name in the program');
  if (/[\n\0]/.test(host + guest) || guest.includes('::')) {
    throw new UsageError(`--dir ${quoted(`${host}::${guest}`)}: names must not contain line breaks, NUL or ::`);
  }
  return { host: resolve(host), guest, readOnly };
}

/** The value of WAGSNAP_DIR: one line for each directory. */
export function formatDirs(dirs: readonly Directory[]): string {
  // a name that ends like a suffix gets a suffix after it
  const suffix = ({ guest, readOnly }: Directory) => (readOnly ? ':ro' : /:r[ow]$/.test(guest) ? ':rw' : '');
  return dirs.map((dir) => `${dir.host}::${dir.guest}${suffix(dir)}`).join('\n');
}
