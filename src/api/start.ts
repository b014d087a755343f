/** Starting an image as a child process, by itself or through an emulator. */

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemReason, ToolError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { trace } from '../base/trace.js';
import { launch } from './launch.js';

export interface StartOptions {
  /** All of the process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Its argument 0. */
  readonly argv0: string;
  readonly args: readonly string[];
  /** Standard streams, then the descriptors from 3 on, as child_process has them. */
  readonly stdio: Exclude<StdioOptions, string>;
  /** It is of a session of its own, which signals of this one's terminal do not reach. */
  readonly detached?: boolean;
}

export interface Started {
  readonly child: ChildProcess;
  /** Its image is opened again after the start: the file must stay until it ends. */
  readonly emulated: boolean;
}

/** How often, and after how many milliseconds, a file is tried that was written a moment ago and is busy. */
const TRIES = 20;
const PAUSE = 5;

/** Resolves once the image has been executed. @throws ToolError 'start', 'no-emulator' */
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
      error = reason as NodeJS.ErrnoException; // spawn() throws ETXTBSY itself, others are events
    }
    if (error.code !== 'ETXTBSY' || tries === TRIES) {
      const hint = error.code === 'EACCES' ? ' (is that a file system mounted noexec? TMPDIR says where)' : '';
      throw new ToolError('start', `cannot start ${program}: ${systemReason(error)}${hint}`);
    }
    await sleep(PAUSE);
  }
}
