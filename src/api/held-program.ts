/**
 * The process of a workload from another host. It is held until it is told to begin (runtime/process/held.ts), and
 * prints to files or pipes of its own.
 */

import type { ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { ToolError } from '../base/errors.js';
import { processStatus } from '../capture/process.js';
import type { LazyPages } from '../restore/lazy-pages.js';
import type { ArrivingPages } from '../transport/arriving.js';
import type { ProcessEnd } from '../transport/attached-streams.js';
import type { HeldProgram, HeldStreams } from '../transport/target.js';
import { refuseWithoutEmbedder } from './embedder/needed.js';
import type { Prepared } from './prepared.js';
import { ProgramStreams } from './program-streams.js';
import { startImage } from './start.js';

const READY = 'r'.charCodeAt(0);
const STARTED = 's'.charCodeAt(0);
const BEGIN = 'g';

/** Where a program prints. */
export interface ProgramOutput {
  /** Its standard output and standard error. */
  readonly descriptors: readonly [number, number];
  /** Where its standard output goes, for people. */
  readonly out: string;
  /** Of one that prints to files: where standard output and standard error are, as of now. */
  readonly paths?: readonly [string, string];
  /** It is about to begin: nobody removes them any more. */
  nameAfter(pid: number): void;
  /** What a process that was not started has written to its standard error. */
  said(): string;
  /** Closes the descriptors, which the process has. */
  close(): void;
  /** Of a process that has not begun: nobody needs what it has printed. */
  remove(): void;
}

export class Held implements HeldProgram {
  hasBegun = false;
  /** Never of one that has not begun. */
  readonly ended: Promise<ProcessEnd>;
  streams: HeldStreams | undefined;
  /** How it has ended: of a short program, this may be known before it is known that it had begun. */
  private exit: ProcessEnd | undefined;
  private tellEnd: (end: ProcessEnd) => void = () => {};

  constructor(
    private readonly child: ChildProcess,
    private readonly socket: Duplex,
    readonly emulated: boolean,
    private readonly printed: ProgramOutput,
    private readonly lazy: LazyPages | undefined,
  ) {
    this.ended = new Promise((resolve) => {
      this.tellEnd = resolve;
    });
    child.once('exit', (code, signal) => {
      this.exit = { code, signal };
      if (this.hasBegun) this.tellEnd(this.exit);
    });
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
      hasEnded: () => isOver(child.pid ?? -1),
      serve: (onWant) => lazy.onWanted(onWant),
      isMissing: (offset, length) => lazy.isMissing(offset, length),
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
    return this.printed.out;
  }

  async begin(): Promise<boolean> {
    const { child, printed } = this;
    printed.nameAfter(this.pid);
    if (child.stdin && printed.paths) this.streams = new ProgramStreams(child.stdin, printed.paths, this.ended);
    this.socket.write(BEGIN);
    this.hasBegun = (await byteOf(this.socket)) === STARTED;
    if (!this.hasBegun) return false;
    if (this.exit !== undefined) this.tellEnd(this.exit);
    this.socket.destroy();
    this.child.unref();
    return true;
  }

  /** Ends it, wherever it is. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Ends it. It has done nothing yet. */
  end(): void {
    this.socket.destroy();
    this.child.kill('SIGKILL');
    this.printed.remove();
  }
}

export interface HoldOptions {
  /** Its streams are somebody's; else it has no input. */
  readonly attached?: boolean;
  /** It ends with this process, also when that is killed. */
  readonly withParent?: boolean;
  /** Its memory comes while it runs. */
  readonly lazy?: LazyPages | undefined;
}

/**
 * @param output where it prints; removed when it cannot be started @param name of the program, for messages
 */
export async function holdProgram(
  prepared: Prepared,
  output: ProgramOutput,
  name: string,
  { attached = false, withParent = false, lazy }: HoldOptions = {},
): Promise<Held> {
  try {
    refuseWithoutEmbedder(prepared.hostImports, name);
    const { image, env, argv0, args, descriptors } = prepared;
    const socketAt = 3 + descriptors.length;
    const { child, emulated } = await startImage(image, {
      env: {
        ...{ ...env, WAGSNAP_HOLD: String(socketAt) },
        ...(withParent ? { WAGSNAP_WITH_PARENT: '1' } : {}),
        ...(lazy ? { WAGSNAP_LAZY: String(socketAt + 1) } : {}),
      },
      argv0,
      args,
      stdio: [
        attached ? 'pipe' : 'ignore',
        ...output.descriptors,
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
      throw new ToolError('not-started', `the program could not be started here: ${output.said()}`);
    }
    lazy?.serve(child.stdio[socketAt + 1] as Duplex);
    return new Held(child, socket, emulated, output, lazy);
  } catch (error) {
    output.remove();
    throw error;
  } finally {
    output.close();
  }
}

/** Of a child that Node may not have heard of yet. */
function isOver(pid: number): boolean {
  const state = processStatus(pid)?.state;
  return state === undefined || state === 'Z';
}

/** The next byte; undefined when the process has ended without one. */
function byteOf(socket: Duplex): Promise<number | undefined> {
  return new Promise((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes[0]));
    socket.once('close', () => resolve(undefined));
  });
}
