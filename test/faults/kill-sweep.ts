/**
 * Captures that end their process (`--kill`) with a fault at each of their calls, each of a process of its own.
 * Afterwards, either the new snapshot is complete, and the process has ended (it may still run when the command was
 * killed); or the process answers as if nothing had happened, and the earlier snapshot is whole.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readSnapshot } from '../../src/snapshot/format.js';
import { Talker, wrongCommand } from './capture-sweep.js';
import { type Call, calls, command, describeFault, type Fault, type Outcome } from './command.js';
import type { Tally } from './tally.js';

export class KillSweep {
  private readonly folder: string;
  readonly output: string;

  constructor(
    parent: string,
    private readonly image: string,
  ) {
    this.folder = mkdtempSync(join(parent, 'kill-'));
    mkdirSync(join(this.folder, 'out'));
    this.output = join(this.folder, 'out', 'it.wsnap');
  }

  private args({ pid }: Talker): string[] {
    return ['capture', '--kill', String(pid), '-o', this.output];
  }

  /** The calls of a capture without a fault, in their order; its snapshot is the earlier one then. */
  async calls(): Promise<Call[]> {
    const talker = await Talker.start(this.image);
    const made = await calls(this.args(talker), { folder: this.folder });
    await talker.workload.ended();
    return made;
  }

  async inject(fault: Fault, tally: Tally): Promise<void> {
    const talker = await Talker.start(this.image);
    const before = readFileSync(this.output);
    const others = this.others();
    const outcome = await command(this.args(talker), { folder: this.folder, fault });
    const wrong = wrongCommand(outcome, fault) ?? (await this.wrongState(talker, before, outcome));
    if (outcome.reached)
      tally.add(`capture --kill, ${describeFault(fault)}`, wrong ?? this.wrongLeftovers(outcome, others));
    talker.workload.kill();
    await talker.workload.ended();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  private async wrongState(talker: Talker, before: Buffer, outcome: Outcome): Promise<string | undefined> {
    const { code, signal, stderr } = outcome;
    if (before.equals(readFileSync(this.output))) {
      if (code === 0) return 'success without a new snapshot';
      return talker.wrongAnswer(); // nothing replaces the process
    }
    try {
      readSnapshot(this.output);
    } catch (error) {
      return `the new snapshot is not complete: ${(error as Error).message}`;
    }
    if (code === 0) {
      await talker.workload.ended();
      return undefined;
    }
    if (signal === null && !/is complete/.test(stderr)) return `the earlier snapshot was replaced: ${stderr}`;
    // It was told to end, or not yet: both can be continued with.
    const wrong = await talker.wrongAnswer();
    return wrong === undefined || talker.hasEnded ? undefined : wrong;
  }

  private others(): string[] {
    return readdirSync(join(this.folder, 'out')).filter((name) => name !== 'it.wsnap');
  }

  /** What a command that was killed leaves is a later one's to remove. */
  private wrongLeftovers({ signal }: Outcome, before: readonly string[]): string | undefined {
    const left = this.others().filter((name) => !before.includes(name));
    return left.length === 0 || signal !== null ? undefined : `left: ${left}`;
  }
}
