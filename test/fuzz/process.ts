/** A child process, its output collected. */

import { type ChildProcess, spawn } from 'node:child_process';

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const TIMEOUT = 300_000; // milliseconds: it hangs

export class Process {
  private readonly child: ChildProcess;
  readonly ended: Promise<Ending>;

  /** @param fd becomes descriptor 3 */
  constructor([file, ...args]: readonly string[], env: Readonly<Record<string, string>>, fd?: number) {
    const stdio = ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])] as const;
    this.child = spawn(file, args, { env, stdio: [...stdio], timeout: TIMEOUT, killSignal: 'SIGKILL' });
    const { child } = this;
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout!.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr!.on('data', (chunk: Buffer) => err.push(chunk));
    this.ended = new Promise((done, fail) => {
      child.once('error', fail);
      child.once('close', (code, signal) =>
        done({ code, signal, stdout: Buffer.concat(out), stderr: Buffer.concat(err) }),
      );
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }
}
