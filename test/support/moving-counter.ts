/**
 * A program that is moved from the command line, and counts in lines. After all moves, it has printed each line once.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, expect } from 'vitest';
import { processStatus } from '../../src/capture/process.js';
import { command, type Ended } from './command.js';
import { Output } from './waiting.js';

export const cli = process.env['WAGSNAP_CLI'] ?? resolve(import.meta.dirname, '../../bin/wag-snap');
/** A destination: another receiver of this machine. */
export const receiver = `exec:'${process.execPath}' '${cli}' receive --stdio`;

/** A program at home, in folders of its own. */
export interface Counter {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it uses. */
  readonly data: string;
  /** Where it prints when it has been moved. */
  readonly output: string;
  readonly out: Output;
}

/** Counters of one test file, which end with the test that has started them. */
export class MovingCounters {
  readonly image: string;
  readonly env: NodeJS.ProcessEnv;
  /** Pids of programs that a test has started or moved. */
  readonly pids: number[] = [];
  private run = 0;

  /** @param folder of the test file */
  constructor(private readonly folder: string) {
    this.image = join(folder, 'counter');
    const own = (name: string) => join(folder, name);
    this.env = {
      ...process.env,
      XDG_CACHE_HOME: own('cache'),
      XDG_STATE_HOME: own('state'),
      XDG_CONFIG_HOME: own('config'),
    };
    beforeAll(async () => {
      const source = join(import.meta.dirname, '../e2e/counter.wat');
      expect(await this.wagSnap('compile', source, '-o', this.image)).toMatchObject({ stderr: '' });
    });
    afterEach(() => {
      for (const pid of this.pids.splice(0)) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // it has ended
        }
      }
    });
  }

  wagSnap(...args: readonly string[]): Promise<Ended> {
    return command(process.execPath, [cli, ...args], { env: this.env });
  }

  /** A folder that no other test has. */
  ownFolder(): string {
    return join(this.folder, String(this.run++));
  }

  async start(): Promise<Counter> {
    const own = this.ownFolder();
    const [data, output] = ['data', 'output'].map((name) => join(own, name));
    mkdirSync(data, { recursive: true });
    const child = spawn(this.image, [], { env: { WAGSNAP_DIR: `${data}::/d` }, stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child, 'spawn');
    this.pids.push(child.pid!);
    const out = new Output(child);
    await out.has('line 00000003\n');
    return { pid: child.pid!, child, data, output, out };
  }

  /** To the same directory. @returns what the tool says */
  async migrate(pid: number, { data, output }: Counter, to = receiver, ...more: string[]): Promise<Ended> {
    return this.moves('migrate', String(pid), to, '--dir', `${data}::/d`, '--output-dir', output, ...more);
  }

  /** Runs a command that moves something. The moved program ends with the test. */
  async moves(...args: readonly string[]): Promise<Ended> {
    const ended = await this.wagSnap(...args);
    for (const [, moved] of ended.stdout.matchAll(/^pid (\d+) on /gm)) this.pids.push(Number(moved));
    return ended;
  }

  async stateOf(pid: number): Promise<string | undefined> {
    const workloads = JSON.parse((await this.wagSnap('ps', '--json')).stdout) as { pid: number; state: string }[];
    return workloads.find((workload) => workload.pid === pid)?.state;
  }
}

export function movedPid({ stdout, stderr }: Ended): number {
  const found = /^pid (\d+) on /m.exec(stdout);
  if (found === null) throw new Error(`not moved: ${stdout}${stderr}`);
  return Number(found[1]);
}

/** Waits for its end. Gives all lines that it has printed, on every host. */
export async function ends({ data, output, out, child }: Counter, last: number): Promise<string[]> {
  writeFileSync(join(data, 'stop'), '');
  while (processStatus(last) !== undefined && processStatus(last)?.state !== 'Z') await sleep(5);
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  const files = existsSync(output) ? readdirSync(output).filter((name) => name.endsWith('.out')) : [];
  const moved = files.map((name) => readFileSync(join(output, name), 'utf8'));
  return [out.stdout, ...moved]
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .sort((a, b) => (a < b ? 1 : -1))
    .reverse();
}

/** Each line once, and the end. */
export function expectWhole(lines: readonly string[]): void {
  expect(lines.filter((line) => line === 'end')).toHaveLength(1);
  const counted = lines.filter((line) => line !== 'end');
  expect(counted).toEqual(counted.map((_, n) => `line ${String(n).padStart(8, '0')}`));
}
