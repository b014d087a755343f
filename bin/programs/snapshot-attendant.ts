/** Takes snapshots of a program that runs as our child: at intervals, at a signal, when it is idle. */

import type { ChildProcess } from 'node:child_process';
import { type CaptureOptions, capture } from '../../src/api/capture.js';
import { createStore, type Store } from '../../src/api/store.js';
import { Triggers } from '../../src/api/triggers.js';
import { WagSnapError } from '../../src/base/errors.js';
import { terminalLines } from '../../src/base/terminal-text.js';
import type { TriggerSettings } from '../options/snapshot-triggers.js';
import { printWarning } from '../show/warning.js';
import type { Attendant } from './attendant.js';

export class SnapshotAttendant implements Attendant {
  private triggers: Triggers | undefined;
  private isEnding = false;

  private constructor(
    private readonly inner: Attendant,
    private readonly settings: TriggerSettings,
    private readonly store: Store,
    private readonly verbose: boolean,
  ) {}

  /**
   * @param inner does the other tasks
   * @throws InputError, ToolError when there can be no such store: before anything is started
   */
  static async around(inner: Attendant, settings: TriggerSettings, verbose: boolean): Promise<SnapshotAttendant> {
    return new SnapshotAttendant(inner, settings, await createStore(settings.store), verbose);
  }

  get descriptors(): Attendant['descriptors'] {
    return this.inner.descriptors;
  }

  get env(): Attendant['env'] {
    return this.inner.env;
  }

  start(child: ChildProcess, endTimeout: () => void): void {
    this.inner.start(child, endTimeout);
    const { name, every, whenIdle, keep } = this.settings;
    const pid = child.pid as number;
    const workload = { pid, capture: (options: CaptureOptions) => capture(pid, options) };
    this.triggers = new Triggers(workload, {
      store: this.store,
      name,
      every,
      whenIdle,
      keep,
      capture: { onWarning: printWarning },
      onWarning: printWarning,
      onSnapshot: (generation) => {
        if (this.verbose)
          process.stderr.write(terminalLines([`wag-snap: ${generation.name}:${generation.tag} is in the store`]));
      },
    });
    child.once('exit', () => void this.triggers?.stop());
  }

  /** The first one captures and ends the program. When that fails, the program continues, and the next one is passed on. */
  takesSignal(signal: NodeJS.Signals): boolean {
    if (this.triggers === undefined || this.isEnding || !this.settings.on.some((one) => one === signal)) return false;
    this.isEnding = true;
    this.triggers.snapshot({ kill: true }).catch((error: unknown) => {
      this.isEnding = false;
      const reason = error instanceof WagSnapError ? error.message : String(error);
      printWarning(`no snapshot was taken, and the program continues: ${reason}`);
    });
    return true;
  }

  async finished(): Promise<void> {
    await this.triggers?.stop();
    await this.inner.finished();
  }
}

/** @param settings undefined when no snapshots are wanted */
export async function withSnapshots(
  inner: Attendant,
  settings: TriggerSettings | undefined,
  verbose: boolean,
): Promise<Attendant> {
  return settings === undefined ? inner : SnapshotAttendant.around(inner, settings, verbose);
}
