/**
 * Sends signals to one process that is not our child. A reused pid does no harm: signals go through its directory below
 * /proc (process-folder.ts), which pidfd_send_signal(2) takes like a pidfd. A helper makes the system call
 * (signal-helper.ts).
 *
 * The helper is started before the process is stopped: starting it takes a millisecond or two, each signal then 0.1 ms.
 * It has a session of its own, as Ctrl+C must not end it before the process is let go. The process sees this tool as
 * the sender: the siginfo_t says so, as sigqueue(3) allows.
 *
 * If the helper cannot run, signals go to the pid, right after a check that it still belongs to the process, and the
 * user is warned.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { systemReason, ToolError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import type { ProcessFolder } from './process-folder.js';
import { ANSWER_SIZE, SIGNAL_INFO_SIZE } from './signal-helper.js';

const { EBADF, EINVAL, ENOSYS, EPERM, ESRCH } = constants.errno;
const SI_QUEUE = -1;
/** Offsets in the siginfo_t of such a signal, the same on all 64-bit CPUs. */
const SI_CODE = 8;
const SI_PID = 16;
const SI_UID = 20;

export class Signaller {
  private helper: Helper | undefined;
  /** The reason why signals go to the pid. */
  private without: string | undefined;

  /**
   * @param warn called with the reason when signals go to the pid
   * @param program a replacement for the helper, for tests
   */
  constructor(
    private readonly folder: ProcessFolder,
    private readonly warn: (text: string) => void,
    private readonly program = join(ownPackage().folder, 'dist/runtime', `signal-helper-${process.arch}`),
  ) {}

  /**
   * Starts the helper and sends signal 0 once, so that the first real signal is as fast as others. Called once.
   */
  async prepare(): Promise<void> {
    if (this.helper?.isAlive || this.without !== undefined) return;
    this.helper = new Helper(this.program, this.folder.fd);
    const reason = await this.helper.started;
    if (reason === undefined) await this.helper.send(0);
    else this.without = `${this.program} cannot be started: ${reason}`;
  }

  /**
   * @returns when the kernel has taken the signal
   * @throws ToolError: 'process-ended', or 'permission'
   */
  async send(signal: NodeJS.Signals): Promise<void> {
    const number = constants.signals[signal];
    for (let tries = 0; tries < 2 && this.without === undefined; tries++) {
      await this.prepare();
      const errno = await this.helper?.send(number);
      if (errno === undefined) continue; // the helper has been killed
      if (errno === 0) return;
      if (errno === ESRCH) throw this.ended();
      if (errno === EINVAL) throw this.refused('/proc shows the processes of another pid namespace');
      if (errno !== ENOSYS && errno !== EBADF && errno !== EPERM) throw this.refused(`error ${errno}`);
      if (errno === EPERM) return this.sendByNumber(signal, 'pidfd_send_signal is not permitted here');
      this.without = 'the kernel has no pidfd_send_signal';
    }
    this.sendByNumber(signal, this.without ?? `${this.program} is killed again and again`);
  }

  close(): void {
    this.helper?.close();
    this.helper = undefined;
  }

  private sendByNumber(signal: NodeJS.Signals, why: string): void {
    if (!this.folder.hasItsPid()) throw this.ended();
    try {
      process.kill(this.folder.pid, signal);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw code === 'ESRCH' ? this.ended() : this.refused(message);
    }
    this.warn(`pid ${this.folder.pid} is signalled by its number, which could be another process's: ${why}`);
  }

  private ended(): ToolError {
    return new ToolError('process-ended', `pid ${this.folder.pid}: the process ended before it was captured`);
  }

  private refused(why: string): ToolError {
    return new ToolError(
      'permission',
      `pid ${this.folder.pid}: it cannot be signalled (${why}): capture as the user who runs it`,
    );
  }
}

/** A running helper. */
class Helper {
  /** Undefined once it runs; else why it does not. */
  readonly started: Promise<string | undefined>;
  isAlive = true;
  private child: ChildProcess | undefined;
  private received = Buffer.alloc(0);
  private wake: () => void = () => {};

  /** @param process descriptor of the process */
  constructor(program: string, process: number) {
    const died = () => {
      this.isAlive = false;
      this.wake();
    };
    let child: ChildProcess;
    try {
      child = spawn(program, [], { stdio: ['pipe', 'pipe', 'ignore', process], env: {}, detached: true });
    } catch (error) {
      this.isAlive = false;
      this.started = Promise.resolve(systemReason(error));
      return;
    }
    this.child = child;
    this.started = new Promise((done) => {
      child.once('spawn', () => done(undefined));
      child.once('error', (error) => {
        died();
        done(systemReason(error));
      });
    });
    child.once('close', died);
    child.stdin?.on('error', died);
    child.stdout?.on('data', (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake();
    });
  }

  /** @returns 0 or an errno; undefined when the helper is dead */
  async send(signal: number): Promise<number | undefined> {
    if (!this.isAlive) return undefined;
    const info = Buffer.alloc(SIGNAL_INFO_SIZE);
    info.writeInt32LE(signal, 0);
    info.writeInt32LE(SI_QUEUE, SI_CODE);
    info.writeInt32LE(process.pid, SI_PID);
    info.writeUInt32LE(process.getuid!(), SI_UID);
    this.child?.stdin?.write(info);
    while (this.isAlive && this.received.length < ANSWER_SIZE) {
      await new Promise<void>((done) => {
        this.wake = done;
      });
    }
    if (this.received.length < ANSWER_SIZE) return undefined;
    const result = this.received.readBigInt64LE();
    this.received = this.received.subarray(ANSWER_SIZE);
    return Number(-result);
  }

  close(): void {
    this.isAlive = false;
    this.child?.stdin?.destroy();
    this.child?.stdout?.destroy();
    this.child?.unref();
  }
}
