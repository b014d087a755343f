/** Snapshots of a running program into a store, without being asked each time: at intervals, or when it is idle. */

import { readFileSync } from 'node:fs';
import { ToolError, UsageError, WagSnapError } from '../base/errors.js';
import { parseReference } from '../snapshot/store/reference.js';
import type { Capturable } from './capture.js';
import type { WarningOption } from './common-options.js';
import type { Generation, Store, StoreCaptureOptions } from './store.js';

export interface TriggerOptions extends WarningOption {
  readonly store: Store;
  /** The name under which the store has them. */
  readonly name: string;
  /** Milliseconds from one snapshot to the next. None are taken at intervals if not given. */
  readonly every?: number | undefined;
  /** Milliseconds. A program that has been blocked for so long is captured, and ended. */
  readonly whenIdle?: number | undefined;
  /** How many of the name stay in the store after each snapshot; all if not given. */
  readonly keep?: number | undefined;
  /** How it is captured. */
  readonly capture?: Omit<StoreCaptureOptions, 'kill' | 'signal'> | undefined;
  /** Told of each new generation. */
  readonly onSnapshot?: ((generation: Generation) => void) | undefined;
}

/** The longest timer of Node, in milliseconds. */
const LONGEST = 2 ** 31 - 1;
/** How often in the idle time it is looked whether the program has run. */
const LOOKS = 5;
/** Milliseconds: the shortest time between two looks. */
const LOOK_MIN = 50;

/** Takes snapshots of a program until it is stopped, one at a time. A snapshot that fails is a warning. */
export class Triggers {
  private readonly controller = new AbortController();
  private readonly timers: NodeJS.Timeout[] = [];
  private running: Promise<unknown> = Promise.resolve();
  private isBusy = false;
  private busySince = performance.now();
  private activity: string | undefined;

  constructor(
    private readonly workload: Capturable & { readonly pid: number },
    private readonly options: TriggerOptions,
  ) {
    const { every, whenIdle } = options;
    Triggers.check(options);
    if (every !== undefined) this.timers.push(setInterval(() => this.regular(), every));
    if (whenIdle === undefined) return;
    this.activity = activityOf(workload.pid);
    this.timers.push(setInterval(() => this.look(whenIdle), Math.max(whenIdle / LOOKS, LOOK_MIN)));
  }

  /**
   * What would be wrong with each snapshot is wrong before the program is started.
   *
   * @throws UsageError, InputError
   */
  static check({ name, every, whenIdle, keep }: Pick<TriggerOptions, 'name' | 'every' | 'whenIdle' | 'keep'>): void {
    if (parseReference(name).tag !== undefined)
      throw new UsageError(`${name}: each snapshot gets the next number as its tag`);
    for (const [option, time] of Object.entries({ every, whenIdle })) {
      if (time === undefined || (time > 0 && time <= LONGEST)) continue;
      throw new UsageError(`${option} ${time}: expected milliseconds, at most ${LONGEST}`);
    }
    if (keep !== undefined && !(Number.isInteger(keep) && keep >= 1)) {
      throw new UsageError(`keep ${keep}: expected a number, from 1 on: the snapshot that was just taken stays`);
    }
  }

  /**
   * A snapshot now, after the one that is being taken.
   *
   * @param kill ends the program once the store has its snapshot
   * @throws InputError, LimitError, ToolError; the program continues then
   */
  snapshot({ kill = false } = {}): Promise<Generation> {
    const taken = this.running.then(() => this.take(kill));
    this.running = taken.catch(() => {});
    return taken;
  }

  /** Takes no more. Resolves when the one that is being taken is done, or given up. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.controller.abort();
    await this.running;
  }

  private async take(kill: boolean): Promise<Generation> {
    const { store, name, keep, capture, onSnapshot } = this.options;
    const { signal } = this.controller;
    if (signal.aborted) throw new ToolError('interrupted', 'nothing was written');
    this.isBusy = true;
    try {
      const { generation } = await store.capture(this.workload, name, { ...capture, kill, signal });
      onSnapshot?.(generation);
      if (keep !== undefined) await this.prune(keep);
      return generation;
    } finally {
      this.isBusy = false;
      this.activity = activityOf(this.workload.pid); // what it did for us is no work of its own
    }
  }

  /** The snapshot is taken, whatever becomes of the earlier ones. */
  private async prune(keep: number): Promise<void> {
    const { store, name, onWarning } = this.options;
    try {
      await store.prune({ names: [name], keep, numbered: true });
    } catch (error) {
      onWarning?.(`${name}: earlier snapshots were not removed: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** One that is due while another is being taken is left out. */
  private regular(): void {
    if (!this.isBusy) this.attempt(false);
  }

  private look(whenIdle: number): void {
    if (this.isBusy) return;
    const now = performance.now();
    const activity = activityOf(this.workload.pid);
    if (activity === undefined || activity !== this.activity) this.busySince = now;
    this.activity = activity;
    if (now - this.busySince < whenIdle) return;
    this.busySince = now;
    this.attempt(true);
  }

  private attempt(kill: boolean): void {
    this.snapshot({ kill }).catch((error: unknown) => {
      if (this.controller.signal.aborted || hasEnded(error)) return;
      this.options.onWarning?.(`no snapshot was taken: ${error instanceof Error ? error.message : error}`);
    });
  }
}

/** Whether a capture has failed because the program was no more. */
export function hasEnded(error: unknown): boolean {
  return error instanceof WagSnapError && ['process-ended', 'no-process'].includes(error.code);
}

/**
 * What changes whenever a process runs (proc(5), /proc/PID/status: it sleeps, and how often it has gone to sleep).
 *
 * @returns undefined when it runs at this moment, or has ended
 */
function activityOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    if (!/^State:\s*S/m.test(text)) return undefined;
    return /^voluntary_ctxt_switches:\s*(\d+)/m.exec(text)?.[1];
  } catch {
    return undefined;
  }
}
