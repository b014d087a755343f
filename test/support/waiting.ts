/**
 * Waits for events of a process. When the process ends instead, the wait fails with the exit code or signal and the
 * output: no test waits until its time limit for a process that cannot answer any more.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStatus } from '../../src/capture/process.js';

/** Collects what a child prints. Create it right after the child is started, so that nothing is lost. */
export class Output {
  stdout = '';
  stderr = '';
  private isClosed = false;
  private watchers: (() => void)[] = [];

  constructor(private readonly child: ChildProcess) {
    const wake = () => {
      const { watchers } = this;
      this.watchers = [];
      for (const watcher of watchers) watcher();
    };
    child.stdout?.on('data', (data) => {
      this.stdout += data;
      wake();
    });
    child.stderr?.on('data', (data) => {
      this.stderr += data;
      wake();
    });
    const closed = () => {
      this.isClosed = true;
      wake();
    };
    child.once('close', closed);
    child.once('error', closed);
  }

  /** Waits for a text on standard output. @returns all of the output so far */
  async has(pattern: RegExp | string): Promise<string> {
    return this.wait(() => this.stdout, pattern);
  }

  /** The same on standard error. */
  async says(pattern: RegExp | string): Promise<string> {
    return this.wait(() => this.stderr, pattern);
  }

  private async wait(text: () => string, pattern: RegExp | string): Promise<string> {
    while (!(typeof pattern === 'string' ? text().includes(pattern) : pattern.test(text()))) {
      if (this.isClosed) throw new Error(`${ending(this.child)} without ${pattern}: ${this.stdout}${this.stderr}`);
      await new Promise<void>((done) => this.watchers.push(done));
    }
    return text();
  }
}

/** How a child ended, in words. */
export function ending({ exitCode, signalCode, spawnfile }: ChildProcess): string {
  return `${spawnfile} has ended (${signalCode ?? exitCode})`;
}

/** Awaits something else as long as a child lives. @param stderr what it has said */
export async function during<T>(child: ChildProcess, awaited: Promise<T>, stderr = () => ''): Promise<T> {
  const over = new AbortController();
  const ended = async (): Promise<never> => {
    if (child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit', { signal: over.signal });
    }
    await sleep(GRACE, undefined, { signal: over.signal }); // what it did last may still be on its way
    throw new Error(`${ending(child)} while something was awaited of it: ${stderr()}`);
  };
  try {
    return await Promise.race([awaited, ended()]);
  } finally {
    over.abort();
  }
}

/** Time for the effects of what a process did just before it ended, in milliseconds. */
const GRACE = 2000;

/** Waits for a process's state: the letter of /proc/PID/status. @throws Error when the process has ended */
export async function untilState(pid: number, wanted: string): Promise<void> {
  for (;;) {
    const state = processStatus(pid)?.state;
    if (state === wanted) return;
    if (state === undefined || state === 'Z')
      throw new Error(`pid ${pid} has ended (${state}): it was to be ${wanted}`);
    await sleep(5);
  }
}
