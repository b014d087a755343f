/** Runs a command to its end without blocking this process. Gives what it printed, and its exit code. */

import { execFile } from 'node:child_process';

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined when it died of a signal. */
  readonly status: number | undefined;
}

export function command(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(program, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
      done({ stdout, stderr, status });
    });
    child.stdin?.end();
  });
}
