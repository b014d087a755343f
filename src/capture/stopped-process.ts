/**
 * A process that stands still for us, with the promise that it is let go, whatever happens.
 *
 * Call resume() or end() in a finally. If this tool dies instead, the process notices (by its pidfd of the sender, or
 * by the other end of our lifeline in another pid namespace) and continues by itself. After keep() it does not.
 */

import { ToolError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import {
  COMMAND_EXIT,
  COMMAND_RESUME,
  RT_COMMAND,
  RT_SUCCESSOR,
  RT_SUCCESSOR_LENGTH,
  SUCCESSOR_MAX,
} from '../image/contract/runtime-block.js';
import { askToStop } from './claim.js';
import { keepParked, resumeKept } from './kept.js';
import type { Lifeline } from './lifeline.js';
import { FIRST_PAUSE, longer, sleep } from './pauses.js';
import type { ImageProcess } from './process.js';

/** Milliseconds. */
const ENDS_WITHIN = 10_000; // the process may have to wait for the CPU, or for a stalled machine
const GONE_WITHIN = 30_000;

/** A process that stands still until it is released. */
export class StoppedProcess {
  private released = false;
  private isKept = false;

  constructor(
    private readonly process: ImageProcess,
    /** When it was asked to stop, as performance.now() has it. */
    readonly stopRequested: number,
    private readonly lifeline: Lifeline | undefined,
  ) {}

  /** Lets it continue; does nothing the second time, or after keep(). */
  async resume(): Promise<void> {
    if (!this.isKept) await this.command(COMMAND_RESUME);
  }

  /**
   * Keeps it parked from now on, whatever happens to this tool, until resumeKept() or end().
   *
   * @throws ToolError when it does not confirm; resume() is then still to be called
   */
  async keep(): Promise<void> {
    await keepParked(this.process);
    this.isKept = true; // it has no lifeline any more
  }

  /** Lets it continue after keep(). @throws ToolError when it does not answer; it is then still kept */
  async resumeKept(): Promise<void> {
    await resumeKept(this.process);
  }

  /**
   * Ends it and waits until it is gone. Kills it if it does not end by itself because it is suspended or held.
   *
   * @param successor path of the snapshot that continues it, for its last message; '' when there is no file
   * @param silent it is killed, without a last message
   * @throws ToolError when it can neither be told nor killed; the snapshot is complete then
   */
  async end(successor = '', silent = false): Promise<void> {
    if (silent) return this.kill();
    try {
      await unlessEnded(async () => this.writeSuccessor(successor));
      await this.command(COMMAND_EXIT);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      throw new ToolError(error.code, `${error.headline}; its snapshot is complete`);
    }
    return this.untilGone(false);
  }

  private async kill(): Promise<void> {
    await unlessEnded(async () => {
      await this.process.signal('SIGKILL');
    });
    await this.untilGone(true);
  }

  /** @param killed whether it was killed already, which it is if it does not end by itself. @throws ToolError */
  private async untilGone(killed: boolean): Promise<void> {
    const { pid } = this.process;
    const start = performance.now();
    for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
      if (this.isGone()) return;
      const waited = performance.now() - start;
      if (!killed && (waited > ENDS_WITHIN || this.process.status()?.state === 'T')) {
        killed = true;
        await unlessEnded(() => this.process.signal('SIGKILL'));
      }
      if (waited > GONE_WITHIN) {
        throw new ToolError('not-ended', `pid ${pid} was told to end but is still there; its snapshot is complete`);
      }
      await sleep(pause);
    }
  }

  /** A path that is too long for the message is left out. Processes of older images do not read it. */
  private writeSuccessor(path: string): void {
    const bytes = Buffer.from(path);
    if (bytes.length > SUCCESSOR_MAX) return;
    const { memory, runtime } = this.process;
    memory.write(runtime + RT_SUCCESSOR, bytes);
    memory.writeU32(runtime + RT_SUCCESSOR_LENGTH, bytes.length);
  }

  /** Also looks at its memory: a zombie has none. */
  private isGone(): boolean {
    const status = this.process.status();
    return !status || status.state === 'Z' || status.state === 'X' || !this.process.memory.isThere();
  }

  private async command(command: number): Promise<void> {
    if (this.released) return;
    this.released = true;
    trace('stop', () => `tells pid ${this.process.pid} to ${command === COMMAND_EXIT ? 'end' : 'continue'}`);
    try {
      await unlessEnded(async () => {
        this.process.memory.writeU32(this.process.runtime + RT_COMMAND, command);
        await askToStop(this.process);
      });
    } finally {
      this.lifeline?.close();
    }
  }
}

/**
 * The capture is complete when a process is let go, so it is no failure that the process has just ended or was killed.
 */
async function unlessEnded(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ToolError && error.code === 'process-ended')) throw error;
  }
}
