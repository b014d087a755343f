/**
 * The guard's process (guard.ts). The node tells it, a JSON object a line: `{"lease":[incarnation,until]}`,
 * `{"program":pid,"incarnation":n}`, answered by `pid` in a line, and `{"gone":pid}`. When the node is gone, it ends all
 * programs, and itself.
 */

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { bootClock } from './clock.js';
import { extend, newGuard, verdict } from './guard.js';

interface Program {
  readonly incarnation: number;
  /** When the process was started: a pid may become another process's. */
  readonly started: string;
  state: 'run' | 'park' | 'end';
}

/** Clock ticks since the start of the machine; undefined: there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** How often the clock is looked at, in milliseconds: it also counts the time in which the machine was suspended. */
const LOOK = 50;

const clock = bootClock();
const guard = newGuard();
const programs = new Map<number, Program>();

function signal(pid: number, { started }: Program, name: NodeJS.Signals): void {
  if (startOf(pid) !== started) return;
  try {
    process.kill(pid, name);
  } catch {
    // it has ended
  }
}

const SIGNALS = { run: 'SIGCONT', park: 'SIGSTOP', end: 'SIGKILL' } as const;

function look(): void {
  const now = clock();
  for (const [pid, program] of programs) {
    const wanted = verdict(guard, program.incarnation, now);
    if (wanted === program.state) continue;
    program.state = wanted;
    signal(pid, program, SIGNALS[wanted]);
  }
}

/** A program that is new is held by the node until the answer comes. */
function take(line: string): void {
  const message = JSON.parse(line) as {
    lease?: [number, number];
    program?: number;
    incarnation?: number;
    gone?: number;
  };
  const { lease, program, incarnation = 0, gone } = message;
  if (lease !== undefined) extend(guard, ...lease);
  if (gone !== undefined) programs.delete(gone);
  if (program !== undefined) {
    const started = startOf(program);
    if (started !== undefined) programs.set(program, { incarnation, started, state: 'run' });
  }
  look();
  if (program !== undefined) process.stdout.write(`${program}\n`);
}

process.stdout.on('error', () => {});
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {}); // it ends after the node
setInterval(look, LOOK);
createInterface({ input: process.stdin })
  .on('line', take)
  .on('close', () => {
    for (const [pid, program] of programs) signal(pid, program, 'SIGKILL');
    process.exit();
  });
