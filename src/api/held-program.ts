/**
 * The process of a workload from another host. It is held until it is told to begin (runtime/process/held.ts), and
 * prints to files of its own.
 */

import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, linkSync, openSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { systemReason, ToolError } from '../base/errors.js';
import type { LazyPages } from '../restore/lazy-pages.js';
import type { ArrivingPages } from '../transport/arriving.js';
import type { ProcessEnd } from '../transport/attached-streams.js';
import type { HeldProgram, HeldStreams } from '../transport/target.js';
import { refuseWithoutEmbedder } from './embedder/needed.js';
import type { Prepared } from './prepared.js';
import { ProgramStreams } from './program-streams.js';
import { startImage } from './start.js';

/** How much of a failed process's output is reported, in bytes. */
const SAID_MAX = 4096;
const READY = 'r'.charCodeAt(0);
const STARTED = 's'.charCodeAt(0);
const BEGIN = 'g';

export class Held implements HeldProgram {
  hasBegun = false;
  /** Never of one that has not begun. */
  readonly ended: Promise<ProcessEnd>;
  readonly streams: HeldStreams | undefined;
  /** How it has ended: of a short program, this may be known before it is known that it had begun. */
  private exit: ProcessEnd | undefined;
  private tellEnd: (end: ProcessEnd) => void = () => {};

  constructor(
    private readonly child: ChildProcess,
    private readonly socket: Duplex,
    readonly emulated: boolean,
    private readonly files: OutputFiles,
    private readonly lazy: LazyPages | undefined,
  ) {
    this.ended = new Promise((resolve) => {
      this.tellEnd = resolve;
    });
    child.once('exit', (code, signal) => {
      this.exit = { code, signal };
      if (this.hasBegun) this.tellEnd(this.exit);
    });
    this.streams = child.stdin ? new ProgramStreams(child.stdin, files.paths, this.ended) : undefined;
  }

  /** Of one that begins before all of its memory is there. */
  get pages(): ArrivingPages | undefined {
    const { lazy, ended, child } = this;
    if (lazy === undefined) return undefined;
    return {
      get left() {
        return lazy.left;
      },
      ended,
      serve: (onWant) => lazy.onWanted(onWant),
      arrived(unit, count) {
        lazy.arrived(unit, count);
        if (lazy.left === 0) child.kill('SIGURG'); // TRACK_SIGNAL: it looks at the list
      },
      close: () => lazy.close(),
    };
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get output(): string {
    return this.files.out;
  }

  async begin(): Promise<boolean> {
    this.socket.write(BEGIN);
    this.hasBegun = (await byteOf(this.socket)) === STARTED;
    if (!this.hasBegun) return false;
    if (this.exit !== undefined) this.tellEnd(this.exit);
    this.socket.destroy();
    this.child.unref();
    return true;
  }

  /** Where its standard output and standard error are. */
  get paths(): readonly [string, string] {
    return this.files.paths;
  }

  /** Ends it, wherever it is. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Ends it. It has done nothing yet. */
  end(): void {
    this.socket.destroy();
    this.child.kill('SIGKILL');
    this.files.remove();
  }
}

/**
 * @param folder for its output @param name of the program, a part of a file's name
 * @param attached whether its streams are somebody's, else it has no input
 * @param lazy its memory comes while it runs
 */
export async function holdProgram(
  prepared: Prepared,
  folder: string,
  name: string,
  attached: boolean,
  lazy?: LazyPages,
): Promise<Held> {
  refuseWithoutEmbedder(prepared.hostImports, name);
  const files = new OutputFiles(folder, name);
  try {
    const { image, env, argv0, args, descriptors } = prepared;
    const socketAt = 3 + descriptors.length;
    const { child, emulated } = await startImage(image, {
      env: { ...env, WAGSNAP_HOLD: String(socketAt), ...(lazy ? { WAGSNAP_LAZY: String(socketAt + 1) } : {}) },
      argv0,
      args,
      stdio: [
        attached ? 'pipe' : 'ignore',
        ...files.descriptors,
        ...descriptors,
        'pipe',
        ...(lazy ? (['pipe', lazy.fd] as const) : []),
      ],
      detached: true,
    });
    prepared.started(child.pid ?? -1, emulated);
    const socket = child.stdio[socketAt] as Duplex;
    socket.on('error', () => {}); // only the socket's end matters
    if ((await byteOf(socket)) !== READY) {
      child.kill('SIGKILL');
      throw new ToolError('not-started', `the program could not be started here: ${files.said()}`);
    }
    files.nameAfter(child.pid ?? -1);
    lazy?.serve(child.stdio[socketAt + 1] as Duplex);
    return new Held(child, socket, emulated, files, lazy);
  } catch (error) {
    files.remove();
    throw error;
  } finally {
    files.close();
  }
}

/** The next byte; undefined when the process has ended without one. */
function byteOf(socket: Duplex): Promise<number | undefined> {
  return new Promise((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes[0]));
    socket.once('close', () => resolve(undefined));
  });
}

/**
 * `NAME-PID.out` and `NAME-PID.err`. The pid is known only once the process has the files, so until then they are named
 * by a number.
 */
class OutputFiles {
  private base: string;
  readonly descriptors: readonly [number, number];

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.base = join(folder, `.${name}-${randomBytes(6).toString('hex')}`);
    try {
      const out = openSync(this.out, 'wx', 0o600);
      this.descriptors = [out, openSync(this.err, 'wx', 0o600)];
    } catch (error) {
      throw new ToolError('write', `${folder}: files for its output cannot be made: ${systemReason(error)}`);
    }
  }

  get out(): string {
    return `${this.base}.out`;
  }

  /** Where standard output and standard error are, as of now. */
  get paths(): readonly [string, string] {
    return [this.out, this.err];
  }

  get err(): string {
    return `${this.base}.err`;
  }

  /** Files of an earlier process with the same pid are kept: the new ones then get another number. */
  nameAfter(pid: number): void {
    const TRIES = 1000;
    for (let n = 1; n <= TRIES; n++) {
      const base = join(this.folder, `${this.name}-${pid}${n === 1 ? '' : `-${n}`}`);
      if (!moveTo(this.out, `${base}.out`)) continue;
      moveTo(this.err, `${base}.err`);
      this.base = base;
      return;
    }
    throw new ToolError('write', `${this.folder}: there are ${TRIES} files of a program with pid ${pid}: remove some`);
  }

  /** What the process has written to its standard error. */
  said(): string {
    const fd = openSync(this.err, 'r');
    try {
      const bytes = Buffer.alloc(Math.min(SAID_MAX, fstatSync(fd).size));
      const length = readSync(fd, bytes, 0, bytes.length, 0);
      return bytes.toString('utf8', 0, length).trim().split('\n')[0] || 'it has ended';
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    for (const fd of this.descriptors) closeSync(fd);
  }

  /** Removes the files of a process that has not begun: nobody needs their contents. */
  remove(): void {
    for (const path of [this.out, this.err]) {
      try {
        unlinkSync(path);
      } catch {
        // somebody else has removed them
      }
    }
  }
}

/** @returns false when the name is taken */
function moveTo(from: string, to: string): boolean {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new ToolError('write', `${to}: cannot be made: ${systemReason(error)}`);
  }
  unlinkSync(from);
  return true;
}
