/**
 * A process as the tool's half of a stop sees it, without a process: words of the runtime block, its state in /proc,
 * and a log of all that is done to it. What it does, and when, is given by the hooks.
 */

import { ToolError } from '../../../src/base/errors.js';
import type { ImageProcess } from '../../../src/capture/process.js';
import * as L from '../../support/layout.js';

const NAMES: Record<number, string> = {
  [L.COMMAND_NONE]: 'no command',
  [L.COMMAND_RESUME]: 'resume',
  [L.COMMAND_EXIT]: 'exit',
  [L.COMMAND_HOLD]: 'hold',
};

export class ScriptedProcess {
  readonly pid = 4711;
  readonly runtime = 0x10000;
  readonly thread = this.runtime;
  readonly folder = { pid: this.pid };
  /** Commands by name, signals, and bytes written elsewhere, in order. */
  readonly log: string[] = [];
  /** Of /proc/PID/status; undefined once it is gone. */
  state: string | undefined = 'R';
  tracer = 0;
  caughtSignals = 0n;
  /** Whether the kernel lets the tool see its memory, and whether it has any. */
  isReadable = true;
  hasMemory = true;
  hasEnded = false;
  signalled = 0;
  /** Whether signals to it were made ready before the first. */
  isPrepared = false;
  onSignal: (name: NodeJS.Signals, count: number) => void = () => {};
  /** Before a word is read. */
  onRead: (field: number) => void = () => {};
  /** After a command was written. */
  onCommand: (command: number) => void = () => {};
  private readonly words = new Map<number, number>();

  constructor(state: number) {
    this.set(L.TH_STATE, state);
  }

  /** For the code under test, which needs no more of it. */
  get process(): ImageProcess {
    return this as unknown as ImageProcess;
  }

  set(field: number, value: number): void {
    this.words.set(field, value);
  }

  get(field: number): number {
    return this.words.get(field) ?? 0;
  }

  /** What parking does. @param sender as it names it */
  park(sender: number): void {
    this.set(L.RT_COMMAND, L.COMMAND_NONE);
    this.set(L.RT_STOP_SENDER, sender);
    this.set(L.TH_STATE, L.STATE_PARKED);
    this.state = 'S';
  }

  goOn(): void {
    for (const field of [L.RT_STOP_SENDER, L.RT_COMMAND, L.RT_LIFELINE]) this.set(field, 0);
    this.set(L.TH_STATE, L.STATE_RUNNING);
    this.state = 'R';
  }

  status() {
    const { state, tracer, caughtSignals } = this;
    return state === undefined ? undefined : { state, tracer, caughtSignals, parent: 1, kernelThread: false };
  }

  async prepareSignals(): Promise<void> {
    this.isPrepared = this.signalled === 0;
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    this.mustLive();
    this.log.push(name);
    this.onSignal(name, ++this.signalled);
  }

  tryMemory() {
    return this.isReadable ? this.memory : undefined;
  }

  readonly memory = {
    u32: (address: number): number => {
      this.mustLive();
      this.onRead(address - this.runtime);
      return this.get(address - this.runtime);
    },
    u64: (address: number): bigint => BigInt.asUintN(64, BigInt(this.get(address - this.runtime))),
    writeU32: (address: number, value: number): void => {
      this.mustLive();
      const field = address - this.runtime;
      this.set(field, value);
      this.log.push(field === L.RT_COMMAND ? (NAMES[value] ?? `command ${value}`) : `${field} = ${value}`);
      if (field === L.RT_COMMAND) this.onCommand(value);
    },
    write: (address: number, bytes: Uint8Array): void => {
      this.mustLive();
      this.log.push(`${address - this.runtime}: ${Buffer.from(bytes)}`);
    },
    isThere: () => this.hasMemory,
  };

  private mustLive(): void {
    if (this.hasEnded)
      throw new ToolError('process-ended', `pid ${this.pid}: the process ended before it was captured`);
  }
}
