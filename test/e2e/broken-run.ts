/**
 * Runs a program through the command line and interrupts the run at random moments: each time the workload is captured
 * by its pid, ended, and restored from the file, and the next interruption comes in the restored process. What all the
 * pieces print, one after the other, must be what an uninterrupted run prints. Needs a built wag-snap.
 *
 * The moments come from a seed, which is in every run and failure; WAGSNAP_SEED sets it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const cli = resolve('bin/wag-snap');
/** How long a program that could not be captured has for its end. */
const ENDS_WITHIN = 60_000; // milliseconds

export interface Program {
  readonly module: string;
  readonly args: readonly string[];
  /** The working directory, which the guest knows as ".". */
  readonly cwd: string;
}

export interface Result {
  readonly stdout: Buffer;
  readonly code: number | null;
  /** Milliseconds from the line with the pid to the end. */
  readonly duration: number;
}

export interface BrokenRun extends Omit<Result, 'duration'> {
  readonly captures: number;
  /** Repeats the run: WAGSNAP_SEED. */
  readonly seed: number;
}

interface Piece {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly started: number;
  readonly end: Promise<Result>;
  ended: boolean;
}

/** The whole run in one piece. */
export async function unbrokenRun(program: Program): Promise<Result> {
  return (await start(program, runArguments(program))).end;
}

/**
 * The same with `breaks` captures and restores on the way; `duration` is that of the unbroken run. The workload
 * continues while the capture tool starts, so on a busy machine a run may end before its last break: another one
 * follows then, until there were `breaks` in all. Returns every run, each of which must be like the unbroken one.
 */
export async function brokenRuns(program: Program, breaks: number, duration: number): Promise<readonly BrokenRun[]> {
  const seed = Number(process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  const runs: BrokenRun[] = [];
  for (let done = 0; done < breaks; ) {
    const left = breaks - done;
    const run = await brokenRun(program, randomWaits(left, duration * 0.8 ** (runs.length + 1), seed + done), seed);
    runs.push(run);
    done += run.captures;
    if (runs.length > 3 * breaks) throw new Error(`the program is too short for ${breaks} captures (seed ${seed})`);
  }
  return runs;
}

async function brokenRun(program: Program, waits: readonly number[], seed: number): Promise<BrokenRun> {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-e2e-'));
  const printed: Buffer[] = [];
  let captures = 0;
  let piece = await start(program, runArguments(program));
  try {
    for (const wait of waits) {
      await Promise.race([piece.end, sleep(Math.max(0, piece.started + wait - performance.now()))]);
      const snapshot = join(folder, `${captures}.wsnap`);
      const capture = await tool(program.cwd, ['capture', String(piece.pid), '--kill', '-o', snapshot]);
      if (capture.code !== 0) {
        await Promise.race([piece.end, sleep(ENDS_WITHIN, undefined, { ref: false })]);
        if (piece.ended) break;
        throw new Error(`capture ${captures} after ${wait.toFixed(1)} ms failed (seed ${seed}): ${capture.stderr}`);
      }
      printed.push((await piece.end).stdout);
      if (captures > 0) rmSync(join(folder, `${captures - 1}.wsnap`));
      captures++;
      piece = await start(program, ['restore', '-v', '--dir', '.', snapshot]);
    }
    const last = await piece.end;
    return { stdout: Buffer.concat([...printed, last.stdout]), code: last.code, captures, seed };
  } finally {
    if (!piece.ended) {
      try {
        process.kill(piece.pid, 'SIGKILL');
      } catch {
        // it ended just now
      }
      piece.child.kill('SIGKILL');
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

function runArguments({ module, args }: Program): string[] {
  return ['run', '-v', '--dir', '.', resolve(module), '--', ...args];
}

/** Starts a command that prints `pid N` on stderr when its workload runs. */
async function start({ cwd }: Program, args: readonly string[]): Promise<Piece> {
  const child = spawn(process.execPath, [cli, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let stderr = '';
  let started = 0;
  child.stdout.on('data', (data: Buffer) => stdout.push(data));
  const closed = new Promise<number | null>((done) => child.once('close', done));
  const pid = await new Promise<number>((done, fail) => {
    child.once('error', fail);
    void closed.then(() => fail(new Error(`wag-snap ${args.join(' ')} ended without a pid:\n${stderr}`)));
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
      const found = /^pid (\d+)\n/m.exec(stderr);
      if (found && started === 0) {
        started = performance.now();
        done(Number(found[1]));
      }
    });
  });
  const end = closed.then((code) => {
    piece.ended = true;
    return { stdout: Buffer.concat(stdout), code, duration: performance.now() - started };
  });
  const piece: Piece = { child, pid, started, end, ended: false };
  return piece;
}

/** Runs a command to its end. */
function tool(cwd: string, args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [cli, ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.once('error', fail);
    child.once('close', (code) => done({ code, stderr }));
  });
}

/** The times between `count` random moments in `total` milliseconds. */
function randomWaits(count: number, total: number, seed: number): number[] {
  let state = seed || 1;
  const moments = Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) / 2 ** 32) * total;
  }).sort((a, b) => a - b);
  return moments.map((moment, index) => moment - (index ? moments[index - 1] : 0));
}
