/**
 * A program that is started as a child of this process, until its end.
 *
 *     prepare | spawn | release the image | ... | end: exit code, what it has trapped at
 *
 * All resources belong to the child. Its end removes the listener of the caller's AbortSignal, the timeout's timer, and
 * an emulated child's image.
 */

import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { Cancellation } from '../base/cancellation.js';
import { ToolError, UsageError, WagSnapError } from '../base/errors.js';
import { type CaptureOptions, type CaptureReport, capture } from './capture.js';
import { type CoredumpOptions, coredump } from './coredump.js';
import type { Imports } from './embedder/import-object.js';
import { EmbedderLink } from './embedder/link.js';
import { attachGiven } from './find-process.js';
import { Invocation } from './invocation.js';
import type { Prepared } from './prepared.js';
import { SnapshotListener } from './snapshot-listener.js';
import { startImage } from './start.js';
import { TrapListener } from './trap-listener.js';
import type { Exit, StartedWorkload, Trap } from './workload.js';

/** As in child_process. */
export type Stream = 'pipe' | 'ignore' | 'inherit' | number | Readable | Writable;

export interface StartOptions {
  /** Its standard input, output and error, or one word for all three; default: 'pipe'. */
  readonly stdio?: 'pipe' | 'ignore' | 'inherit' | readonly [Stream, Stream, Stream] | undefined;
  /** Milliseconds after which the program is killed. */
  readonly timeout?: number | undefined;
  /**
   * Called when the program has trapped and still exists, so that it can be captured or dumped. The program ends once
   * the returned promise settles.
   */
  readonly onTrap?: ((trap: Trap, workload: StartedWorkload) => void | Promise<void>) | undefined;
  /**
   * Called when the program asks for a snapshot of itself (import `wag_snap.snapshot`), to take it. The program waits
   * until the returned promise settles. When it rejects, the program is told that there is no snapshot.
   */
  readonly onSnapshotRequest?: ((workload: StartedWorkload) => unknown) | undefined;
  /** Functions of this process that the program may import. Unused ones are ignored. */
  readonly imports?: Imports | undefined;
  /** How long such a function may take to answer, in milliseconds; then the program traps. Default: no limit. */
  readonly callTimeout?: number | undefined;
  /** Gives up the start; kills the program once it runs. */
  readonly signal?: AbortSignal | undefined;
}

/** The first free descriptor number after the standard streams. */
const FIRST_DESCRIPTOR = 3;
/** The longest timer of Node, in milliseconds. */
const LONGEST = 2 ** 31 - 1;
/** A trap of unknown kind. */
const UNKNOWN: Trap = { kind: 0, message: 'unknown' };

/** @throws whatever `prepare` throws; ToolError 'interrupted', 'start', 'no-emulator' */
export async function startPrepared(prepare: () => Promise<Prepared>, options: StartOptions): Promise<StartedWorkload> {
  const { timeout, callTimeout, signal } = options;
  for (const [name, value] of Object.entries({ timeout, callTimeout })) {
    if (value === undefined || (value > 0 && value <= LONGEST)) continue;
    throw new UsageError(`${name} ${value}: expected milliseconds, at most ${LONGEST}`);
  }
  const cancel = new Cancellation('nothing was started', signal);
  cancel.check();
  const prepared = await prepare();
  let workload: ChildWorkload;
  try {
    cancel.check();
    workload = await ChildWorkload.start(prepared, options);
  } catch (error) {
    prepared.release();
    throw error;
  }
  if (signal?.aborted) await workload.exited;
  cancel.check();
  return workload;
}

class ChildWorkload implements StartedWorkload {
  readonly exited: Promise<Exit>;
  private trap: Trap | undefined;

  static async start(prepared: Prepared, options: StartOptions): Promise<ChildWorkload> {
    const { image, argv0, args, env, descriptors } = prepared;
    let workload: ChildWorkload | undefined;
    const next = FIRST_DESCRIPTOR + descriptors.length;
    const listener = new TrapListener(next, async () => workload?.trapped(options));
    const afterListener = next + listener.descriptors.length;
    const link = new EmbedderLink(prepared.hostImports, options.imports, argv0, afterListener, options.callTimeout);
    const afterLink = afterListener + link.descriptors.length;
    const snapshots = options.onSnapshotRequest && new SnapshotListener(afterLink, async () => workload?.asks(options));
    const afterSnapshots = afterLink + (snapshots?.descriptors.length ?? 0);
    const invocation = prepared.call && new Invocation(prepared.call, afterSnapshots);
    const { child, emulated } = await startImage(image, {
      argv0,
      args,
      env: { ...env, ...listener.env, ...link.env, ...snapshots?.env, ...invocation?.env },
      stdio: [
        ...standardStreams(options),
        ...descriptors,
        ...listener.descriptors,
        ...link.descriptors,
        ...(snapshots?.descriptors ?? []),
        ...(invocation?.descriptors ?? []),
      ],
    });
    prepared.started(child.pid!, emulated);
    prepared.bring?.(child);
    prepared.growing?.start(child);
    if (!emulated) prepared.release();
    listener.start(child);
    link.start(child);
    snapshots?.start(child);
    invocation?.start(child);
    workload = new ChildWorkload(child, listener, link, invocation, options, prepared);
    try {
      await link.greeted();
    } catch (error) {
      await workload[Symbol.asyncDispose]();
      throw error;
    }
    return workload;
  }

  private constructor(
    private readonly child: ChildProcess,
    listener: TrapListener,
    private readonly link: EmbedderLink,
    invocation: Invocation | undefined,
    options: StartOptions,
    prepared: Prepared,
  ) {
    child.on('error', () => {}); // a signal that could not be sent; the child's end is handled elsewhere
    this.exited = this.watch(listener, invocation, options, prepared);
  }

  get pid(): number {
    return this.child.pid!;
  }

  get stdin(): Writable | null {
    return this.child.stdin;
  }

  get stdout(): Readable | null {
    return this.child.stdout;
  }

  get stderr(): Readable | null {
    return this.child.stderr;
  }

  async capture(options: CaptureOptions): Promise<CaptureReport> {
    if (!options.kill) return capture(this.living(), options);
    const isGoingOn = this.link.expectLeave();
    try {
      return await capture(this.living(), options);
    } catch (error) {
      isGoingOn();
      throw error;
    }
  }

  async coredump(options: CoredumpOptions): Promise<void> {
    return coredump(this.living(), options);
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGKILL');
    await this.exited;
  }

  /** The child's pid, as long as the child has not ended. */
  private living(): number {
    const { exitCode, signalCode } = this.child;
    if (exitCode === null && signalCode === null) return this.pid;
    throw new ToolError('process-ended', `pid ${this.pid} has ended`);
  }

  private async watch(
    listener: TrapListener,
    invocation: Invocation | undefined,
    options: StartOptions,
    prepared: Prepared,
  ): Promise<Exit> {
    const { child } = this;
    const { signal: abort, timeout } = options;
    let timedOut = false;
    const kill = () => child.kill('SIGKILL');
    const timer = timeout === undefined ? undefined : setTimeout(() => (timedOut = kill()), timeout);
    abort?.addEventListener('abort', kill);
    if (abort?.aborted) kill();
    const { code, signal } = await ended(child);
    clearTimeout(timer);
    abort?.removeEventListener('abort', kill);
    prepared.release();
    if (signal !== null) prepared.growing?.stop();
    prepared.growing?.check();
    await listener.finished();
    const reply = await invocation?.reply();
    const { trap } = this;
    const { failure } = this.link;
    return {
      code,
      signal,
      ...(trap === undefined ? {} : { trap }),
      ...(failure === undefined ? {} : { importFailure: failure.error }),
      timedOut,
      ...(reply && { reply: (await import('./call-result.js')).toReply(reply) }),
    };
  }

  private async asks({ onSnapshotRequest }: StartOptions): Promise<void> {
    await onSnapshotRequest?.(this);
  }

  /** Calls `onTrap`. The child waits at its trap meanwhile. */
  private async trapped({ onTrap }: StartOptions): Promise<void> {
    this.trap = await readTrap(this.pid);
    await onTrap?.(this.trap, this);
  }
}

function standardStreams({ stdio = 'pipe' }: StartOptions): Exclude<StdioOptions, string> {
  return typeof stdio === 'string' ? [stdio, stdio, stdio] : [...stdio];
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
}

/** A trap that cannot be read does not change how the program ended. */
async function readTrap(pid: number): Promise<Trap> {
  try {
    const { readTrap } = await import('../capture/trap.js');
    const process = await attachGiven(String(pid));
    try {
      return readTrap(process).trap;
    } finally {
      process.close();
    }
  } catch (error) {
    if (error instanceof WagSnapError) return UNKNOWN;
    throw error;
  }
}
