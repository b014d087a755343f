/**
 * A program that runs elsewhere by now, with its streams here: `migrate --attach`. Where the program had a pipe here,
 * its output continues into it and its input comes from it; else they are this command's own.
 */

import { closeSync, createWriteStream, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import type { Moved } from '../../src/api/migrate.js';
import { ToolError } from '../../src/base/errors.js';
import { terminalText } from '../../src/base/terminal-text.js';
import { ENDING_SIGNALS } from './interruption.js';

/** Of an exit code that stands for a signal. */
const BY_SIGNAL = 128;

/** The ends of pipes that a program has for its standard streams: opened here, so that they stay open. */
export class ProgramPipes {
  private readonly inputFd: number | undefined;
  private reader: Readable | undefined;
  readonly output: readonly (Writable | undefined)[];

  /** @param pid of the program, while it runs here */
  constructor(pid: number) {
    this.inputFd = openPipe(`/proc/${pid}/fd/0`, 'r');
    this.output = [1, 2].map((fd) => {
      const end = openPipe(`/proc/${pid}/fd/${fd}`, 'w');
      return end === undefined ? undefined : createWriteStream('', { fd: end });
    });
  }

  /** Begins to read: what is read is taken from the program. */
  read(): Readable | undefined {
    if (this.inputFd === undefined) return undefined;
    return (this.reader ??= new Socket({ fd: this.inputFd, readable: true, writable: false }));
  }

  close(): void {
    if (this.reader !== undefined) this.reader.destroy();
    else if (this.inputFd !== undefined) closeSync(this.inputFd);
    for (const end of this.output) end?.destroy();
  }
}

/** @returns undefined for what is no pipe, as the system opens only those a second time */
function openPipe(path: string, how: 'r' | 'w'): number | undefined {
  try {
    return statSync(path).isFIFO() ? openSync(path, how) : undefined;
  } catch {
    return undefined; // it has none, or is not ours to look at
  }
}

/**
 * Until it ends there, with its exit code for this command, or a signal detaches it: then it runs on there.
 *
 * @param isAsked whether a signal has come already, too late to give the move up
 * @throws ToolError when the link is lost: it runs on, too
 */
export async function followProgram(
  { streams, host, pid, output }: Moved,
  pipes: ProgramPipes,
  isAsked: boolean,
): Promise<void> {
  if (streams === undefined) return;
  let isDetached = false;
  const detach = () => {
    isDetached = true;
    streams.detach();
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, detach);
  if (isAsked) detach();
  const input = pipes.read() ?? process.stdin;
  pipeline(input, streams.stdin).catch(() => {}); // it does not read any more
  const out = forward(streams.stdout, pipes.output[0], process.stdout);
  const err = forward(streams.stderr, pipes.output[1], process.stderr);
  try {
    const { code, signal } = await streams.ended;
    await Promise.all([out, err]);
    process.exitCode = code ?? BY_SIGNAL + (constants.signals[signal as NodeJS.Signals] ?? 0);
  } catch (error) {
    const where = `pid ${pid} continues on ${host}, and prints to ${output}`;
    if (!isDetached) throw new ToolError('link', `${(error as Error).message}: ${where}`);
    process.stderr.write(`${terminalText(`detached: ${where}`)}\n`);
  } finally {
    for (const signal of ENDING_SIGNALS) process.off(signal, detach);
    input.destroy();
  }
}

/** Raw: it is the program's output, as it would be if it still ran here. */
async function forward(from: Readable, pipe: Writable | undefined, own: Writable): Promise<void> {
  if (pipe !== undefined) return pipeline(from, pipe).catch(() => void from.resume());
  from.pipe(own, { end: false });
  await finished(from).catch(() => {});
}
