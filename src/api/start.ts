/** Starts an image as a child process, directly or through an emulator. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemReason, ToolError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { trace } from '../base/trace.js';
import { launch } from './launch.js';

export interface StartOptions {
  /** The complete environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** The process's argument 0. */
  readonly argv0: string;
  readonly args: readonly string[];
  /** Standard streams and further descriptors, as child_process has them. */
  readonly stdio: Exclude<StdioOptions, string>;
  /** Whether it gets a session of its own, so that the terminal's signals do not reach it. */
  readonly detached?: boolean;
}

export interface Started {
  readonly child: ChildProcess;
  /** Whether the image is opened again after the start: the file must then stay until the process ends. */
  readonly emulated: boolean;
}

/** Retries of a file that is still busy because it was just written: how many, and the wait in milliseconds. */
const TRIES = 20;
const PAUSE = 5;

/** Resolves once the image is executed. @throws ToolError 'start', 'no-emulator' */
export async function startImage(image: string, options: StartOptions): Promise<Started> {
  const { program, args: before, argv0, emulated } = launch(image, options.argv0);
  const args = [...before, ...options.args];
  for (let tries = 0; ; tries++) {
    let error: NodeJS.ErrnoException;
    trace('start', () => `${program} ${args.map(quoted).join(' ')}`);
    try {
      const { env, stdio, detached = false } = options;
      const child = spawn(program, args, { argv0, env: { ...env }, stdio, detached });
      await once(child, 'spawn');
      trace('start', () => `pid ${child.pid} runs it`);
      return { child, emulated };
    } catch (reason) {
      error = reason as NodeJS.ErrnoException; // spawn() throws ETXTBSY itself; other errors are events
    }
    if (error.code !== 'ETXTBSY' || tries === TRIES) {
      const hint = error.code === 'EACCES' ? ' (is that a file system mounted noexec? TMPDIR says where)' : '';
      throw new ToolError('start', `cannot start ${program}: ${systemReason(error)}${hint}`);
    }
    await sleep(PAUSE);
  }
}
