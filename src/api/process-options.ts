/**
 * What a program is started with, as options, and the variables of its process's environment by which an image is told
 * (runtime/process/environment.ts). A program sees none of those that begin with WAGSNAP_.
 */

import { resolve } from 'node:path';
import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { STACK_MAX, STACK_MIN } from '../image/contract/sizes.js';
import { NAME_RULE, NAME_VARIABLE, nameProblem } from '../image/workload-name.js';
import type { Directory } from '../restore/grants.js';
import { parseListen } from './listen.js';

export type { Directory };

/** Bytes that a program's stack may have (`maxStack`). */
export const STACK_RANGE = { least: STACK_MIN, most: STACK_MAX } as const;

/** What an image, and one that continues a snapshot, are told alike. */
export interface ProcessLimits {
  /** Bytes that its memories and exceptions may have together; memory.grow fails beyond. */
  readonly maxMemory?: number | undefined;
  /** Bytes of its stack, STACK_RANGE, 64 MiB if not given; recursion beyond it traps. */
  readonly maxStack?: number | undefined;
  /** Directories may be on procfs: the program can then write its own code, and leave the sandbox. */
  readonly allowProc?: boolean | undefined;
}

export interface ProcessOptions extends ProcessLimits {
  /** Its environment, which has no other variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Directories that it may use. */
  readonly dirs?: readonly Directory[] | undefined;
  /** `HOST:PORT`, `[IPv6]:PORT` or `unix:PATH`: addresses that it may accept connections at. */
  readonly listen?: readonly string[] | undefined;
  /** What it is called where a pid is asked for. */
  readonly name?: string | undefined;
}

/**
 * All of the process's environment. Looks up names of hosts.
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

/** @param text as it was given, for the message. @throws UsageError */
export function checkStack(bytes: number, text: string): number {
  const { least, most } = STACK_RANGE;
  if (Number.isInteger(bytes) && bytes >= least && bytes <= most) return bytes;
  throw new UsageError(`--max-stack ${text}: expected ${least / 1024}K to ${most / 2 ** 20}M`);
}

/** @throws UsageError that says which names there may be */
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

/** @throws UsageError for what no line can say */
export function checkDirectory({ host, guest, readOnly }: Directory): Directory {
  if (host === '' || guest === '') throw new UsageError('--dir: a directory has a path here and a name in the program');
  if (/[\n\0]/.test(host + guest) || guest.includes('::')) {
    throw new UsageError(`--dir ${quoted(`${host}::${guest}`)}: cannot be passed on`);
  }
  return { host: resolve(host), guest, readOnly };
}

/** The value of WAGSNAP_DIR: a line per directory. */
export function formatDirs(dirs: readonly Directory[]): string {
  // what ends like a suffix of ours needs one after it
  const suffix = ({ guest, readOnly }: Directory) => (readOnly ? ':ro' : /:r[ow]$/.test(guest) ? ':rw' : '');
  return dirs.map((dir) => `${dir.host}::${dir.guest}${suffix(dir)}`).join('\n');
}
