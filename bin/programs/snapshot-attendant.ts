/** Takes snapshots of a program that runs as our child: at intervals, at a signal, when it is idle, and when it asks. */

import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { type CaptureOptions, capture } from '../../src/api/capture.js';
import { planSeal, readKeys } from '../../src/api/seal-options.js';
import { SnapshotListener } from '../../src/api/snapshot-listener.js';
import { createStore, type Store } from '../../src/api/store.js';
import { Triggers } from '../../src/api/triggers.js';
import { WagSnapError } from '../../src/base/errors.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import type { TriggerSettings, TriggerSignal } from '../options/snapshot-triggers.js';
import { printWarning } from '../show/warning.js';
import type { Attendant } from './attendant.js';

export class SnapshotAttendant implements Attendant {
  readonly descriptors: Attendant['descriptors'];
  readonly env: Attendant['env'];
  readonly ignored: readonly TriggerSignal[];
  private readonly listener: SnapshotListener;
  private triggers: Triggers | undefined;
  /** What a signal that was chosen does next. */
  private atSignal: 'captures' | 'is captured already' | 'is passed on' = 'captures';

  private constructor(
    private readonly inner: Attendant,
    private readonly settings: TriggerSettings,
    private readonly store: Store,
    private readonly verbose: boolean,
    descriptor: number,
  ) {
    this.listener = new SnapshotListener(descriptor + inner.descriptors.length, () => this.take());
    this.descriptors = [...inner.descriptors, ...this.listener.descriptors];
    this.ignored = settings.on;
    this.env = { ...inner.env, ...this.listener.env, ...ignoring(settings.on) };
  }

  /**
   * @param inner does the other tasks
   * @param descriptor the first free descriptor number of the process
   * @throws UsageError, InputError, ToolError when there can be no such store or key: before anything is started
   */
  static async around(
    inner: Attendant,
    settings: TriggerSettings,
    verbose: boolean,
    descriptor: number,
  ): Promise<SnapshotAttendant> {
    Triggers.check(settings);
    const capture = await readKeys(settings.capture); // for all of the snapshots, also when the files go
    await planSeal(capture, settings.name); // a wrong key is an error now, and what no policy would believe
    const store = await createStore(settings.store);
    return new SnapshotAttendant(inner, { ...settings, capture }, store, verbose, descriptor);
  }

  start(child: ChildProcess, endTimeout: () => void): void {
    this.inner.start(child, endTimeout);
    const { name, every, whenIdle, keep, capture: how } = this.settings;
    const pid = child.pid as number;
    const workload = { pid, capture: (options: CaptureOptions) => capture(pid, options) };
    this.triggers = new Triggers(workload, {
      store: this.store,
      name,
      every,
      whenIdle,
      keep,
      capture: { ...how, onWarning: printWarning },
      onWarning: printWarning,
      onSnapshot: (generation) => {
        if (this.verbose)
          process.stderr.write(terminalLines([`wag-snap: ${generation.name}:${generation.tag} is in the store`]));
      },
    });
    this.listener.start(child);
    child.once('exit', () => void this.triggers?.stop());
  }

  /** The snapshot that the program has asked for. A failure is a warning here, and an error there. */
  private async take(): Promise<void> {
    try {
      await this.triggers?.snapshot();
    } catch (error) {
      printWarning(`the program has asked for a snapshot, and none was taken: ${reasonOf(error)}`);
      throw error;
    }
  }

  /**
   * The first one captures and ends the program; those that come meanwhile ask for the same. When that fails, the program
   * continues, and the next one is passed on.
   */
  takesSignal(signal: NodeJS.Signals): boolean {
    if (this.triggers === undefined || !this.settings.on.some((one) => one === signal)) return false;
    if (this.atSignal !== 'captures') return this.atSignal === 'is captured already';
    this.atSignal = 'is captured already';
    this.triggers.snapshot({ kill: true }).catch((error: unknown) => {
      this.atSignal = 'is passed on';
      printWarning(`no snapshot was taken, and the program continues: ${reasonOf(error)}`);
    });
    return true;
  }

  async finished(): Promise<void> {
    await this.triggers?.stop();
    await this.inner.finished();
  }
}

/** The environment of a program that leaves signals to us. */
function ignoring(signals: readonly TriggerSignal[]): Readonly<Record<string, string>> {
  if (signals.length === 0) return {};
  const mask = signals.reduce((bits, signal) => bits | (1 << (constants.signals[signal] - 1)), 0);
  return { WAGSNAP_IGNORE: String(mask) };
}

function reasonOf(error: unknown): string {
  return error instanceof WagSnapError ? error.message : String(error);
}
