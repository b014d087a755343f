/**
 * Replaces this process by the program (execve(2)), for `run` and `restore`, if Node can do it (process.execve, from
 * 22.15 on) and nothing is left to do. Then no process of Node remains, the program has the pid that was started, and
 * the kernel handles its signals and its end.
 *
 * A Node process differs from what a program expects in three ways that survive execve: SIGPIPE and SIGXFSZ are
 * ignored, pipes of its standard streams are non-blocking, and blocked signals stay blocked. spawn undoes this in the
 * child; here it is undone beforehand. If that is impossible, the program becomes a child. When execve fails, Node ends
 * with a dump of its stack, so everything that can be checked is checked first.
 */

import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { launch } from '../../src/api/launch.js';
import type { WorkloadOptions } from './workload.js';

type Execve = (file: string, args: readonly string[], env: Readonly<Record<string, string>>) => never;

/** Bytes of arguments and environment that every kernel takes, however small its stack limit is (execve(2)). */
const ARGUMENTS_MAX = 96 << 10;
/** The signals that Node ignores. */
const IGNORED = ['SIGPIPE', 'SIGXFSZ'] as const;
const O_NONBLOCK = 0o4000;

/** Whether this Node can become another program. WAGSNAP_NO_EXEC=1 forbids it (tests, debugging). */
export function canBecome(): boolean {
  return execve() !== undefined && !process.env['WAGSNAP_NO_EXEC'];
}

function execve(): Execve | undefined {
  return (process as { execve?: Execve }).execve?.bind(process) as Execve | undefined;
}

/**
 * Becomes the program. Returns if that is impossible: then nothing has changed, and the program can be started as a
 * child.
 *
 * @param isTemporary whether `options.release` deletes the image
 * @param ready called before, at the last moment at which something can be printed or cancelled
 */
export async function becomeWorkload(
  image: string,
  options: WorkloadOptions,
  isTemporary: boolean,
  ready: () => Promise<void>,
): Promise<void> {
  const become = canBecome() ? execve() : undefined;
  if (become === undefined) return;
  const { program, args, argv0, emulated } = launch(image, options.argv0);
  const argv = [argv0, ...args, ...options.args];
  // an emulator opens the image again
  if ((emulated && isTemporary) || sizeOf(argv, options.env) > ARGUMENTS_MAX) return;
  const held = isTemporary ? openSync(program, 'r') : -1;
  const path = held < 0 ? program : `/proc/self/fd/${held}`;
  try {
    if (!isExecutable(path) || !resetSignals() || !(await resetStreams())) return;
    await ready();
    if (isTemporary) options.release?.();
    become(path, argv, options.env);
  } finally {
    if (held >= 0) closeSync(held);
  }
}

function sizeOf(argv: readonly string[], env: Readonly<Record<string, string>>): number {
  const texts = [...argv, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1 + 8, 0);
}

/** access(2) knows about file systems that are mounted noexec. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Gives signals their default action: removing a listener leaves SIG_DFL (libuv).
 *
 * @returns whether no signal is ignored or blocked
 */
function resetSignals(): boolean {
  const nothing = () => {};
  for (const signal of IGNORED) {
    process.on(signal, nothing);
    process.off(signal, nothing);
  }
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'latin1') : '';
  const isEmpty = (name: string) => new RegExp(`^${name}:\\s*0+$`, 'm').test(status);
  return isEmpty('SigBlk') && isEmpty('SigIgn');
}

/** @returns whether all output is written, and no standard stream is non-blocking */
async function resetStreams(): Promise<boolean> {
  for (const stream of [process.stdout, process.stderr]) {
    await written(stream);
    const { _handle: handle } = stream as { _handle?: { setBlocking?: (on: boolean) => void } };
    handle?.setBlocking?.(true);
  }
  return [0, 1, 2].every((fd) => {
    const flags = /^flags:\s*([0-7]+)$/m.exec(fdinfo(fd))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & O_NONBLOCK) === 0;
  });
}

/** Empty for a closed descriptor. */
function fdinfo(fd: number): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1');
  } catch {
    return '';
  }
}

async function written(stream: Writable): Promise<void> {
  if (stream.writableLength > 0) await new Promise((done) => stream.write('', done));
}
