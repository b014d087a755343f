/**
 * Captures of one process with a fault at each of their calls. In every case the process answers as if nothing had
 * happened, and either the earlier snapshot is whole or the new one complete. Only a killed command leaves other files,
 * until the next command.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSnapshot } from '../../src/api/stored-snapshot.js';
import { capturePid } from '../support/capture.js';
import { Workload } from '../support/workload.js';
import { readMemory } from '../unit/snapshot/chain-sample.js';
import { type Calls, command, describeFault, type Fault, type Outcome, trace, wrongEnding } from './command.js';
import { Conversation } from './programs.js';
import type { Tally } from './tally.js';

const ANSWERS_WITHIN = 120_000; // milliseconds; else it has hung

/** A process of programs.ts that is talked to. */
export class Talker {
  private readonly expected = new Conversation();
  private text = 'A';
  private said = 0;

  private constructor(
    readonly workload: Workload,
    readonly pid: number,
  ) {}

  /** @param through a program that runs it as its child, with options */
  static async start(image: string, through?: readonly string[]): Promise<Talker> {
    const workload = Workload.start(image, { stdin: 'pipe', through });
    await workload.waitFor('A');
    return new Talker(workload, through ? childOf(workload.pid) : workload.pid);
  }

  /** Says something and hears whether the answer is right. */
  async wrongAnswer(): Promise<string | undefined> {
    const byte = 97 + (this.said++ % 26);
    this.text += this.expected.answer(byte);
    this.workload.stdin.write(Buffer.of(byte));
    const late = sleep(ANSWERS_WITHIN).then(() => 'late');
    const answer = this.workload.waitFor(this.text).then(() => undefined);
    return Promise.race([answer, late]).then(
      (result) => result && `the process does not answer: ${this.workload.stdout}, not ${this.text}`,
      (error) => String(error),
    );
  }

  get hasEnded(): boolean {
    return this.workload.hasEnded;
  }

  /** Ends it by the end of its input. */
  async wrongEnd(): Promise<string | undefined> {
    this.workload.stdin.end();
    const { code, stdout } = await this.workload.ended();
    return code === 0 && stdout === `${this.text}.` ? undefined : `the process ended with ${code}, ${stdout}`;
  }
}

/** The only child of a process. */
export function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim());
}

export class CaptureSweep {
  readonly output: string;

  private constructor(
    readonly folder: string,
    readonly talker: Talker,
    /** A snapshot that what is captured is a difference to: the last capture before it, which the process remembers. */
    private readonly parent?: string,
  ) {
    this.output = join(folder, 'out', 'it.wsnap');
  }

  static async start(parent: string, image: string, through?: readonly string[]): Promise<CaptureSweep> {
    const folder = mkdtempSync(join(parent, 'capture-'));
    mkdirSync(join(folder, 'out'));
    return new CaptureSweep(folder, await Talker.start(image, through));
  }

  /** Captures what was written since the last capture. */
  static async ofDifferences(parent: string, image: string): Promise<CaptureSweep> {
    const { folder, talker } = await CaptureSweep.start(parent, image);
    return new CaptureSweep(folder, talker, join(folder, 'first.wsnap'));
  }

  /** Captures the parent, after which the program goes on. */
  private async captureParent(): Promise<void> {
    if (this.parent === undefined) return;
    await capturePid(this.talker.pid, { output: this.parent });
    const wrong = await this.talker.wrongAnswer();
    if (wrong !== undefined) throw new Error(wrong);
  }

  /** What a snapshot of a program that has just been captured says of its memory is what the memory is. */
  private async wrongMemory(): Promise<string | undefined> {
    if (this.parent === undefined) return undefined;
    const now = join(this.folder, 'now.wsnap');
    await capturePid(this.talker.pid, { output: now, tracking: 'none' });
    const memories = [];
    for (const file of [this.output, now]) {
      memories.push(await readMemory(await openSnapshot(file, { search: [this.folder] })));
    }
    return memories[0].equals(memories[1]) ? undefined : 'the snapshot has not what the memory has';
  }

  private get args(): string[] {
    const parent = this.parent === undefined ? [] : ['--parent', this.parent, '--json'];
    return ['capture', String(this.talker.pid), '-o', this.output, ...parent];
  }

  /** A capture without a fault, which is the earlier snapshot then. */
  async trace(): Promise<Calls> {
    await this.captureParent();
    const counts = await trace(this.args, { folder: this.folder });
    await trace(this.args, { folder: this.folder }); // with something to replace
    return counts;
  }

  async inject(fault: Fault, tally: Tally): Promise<void> {
    await this.captureParent();
    const before = readFileSync(this.output);
    const others = this.others();
    const outcome = await command(this.args, { folder: this.folder, fault });
    if (!outcome.reached) return;
    const wrong =
      wrongCommand(outcome, fault) ??
      (await this.wrongOutput(before, outcome, fault)) ??
      (await this.talker.wrongAnswer()) ??
      (fault.act === 'SIGKILL' ? undefined : this.wrongLeftovers(others));
    tally.add(`capture, ${describeFault(fault)}`, wrong);
  }

  /** A capture without a fault. */
  async capture(): Promise<Outcome> {
    await this.captureParent();
    return command(this.args, { folder: this.folder });
  }

  /** A last capture cleans up; its process ends well. */
  async finish(): Promise<string | undefined> {
    const wrong =
      wrongEnding(await this.capture(), [0]) ?? (this.others().length > 0 ? `left: ${this.others()}` : undefined);
    const end = await this.talker.wrongEnd();
    rmSync(this.folder, { recursive: true });
    return wrong ?? end;
  }

  private others(): string[] {
    return readdirSync(join(this.folder, 'out')).filter((name) => name !== 'it.wsnap');
  }

  private async wrongOutput(before: Buffer, outcome: Outcome, fault: Fault): Promise<string | undefined> {
    const after = readFileSync(this.output);
    const same = before.equals(after);
    const replaced = outcome.code === 0 || outcome.signal !== null || /is complete/.test(outcome.stderr);
    if (same) return outcome.code === 0 ? 'success without a new snapshot' : undefined;
    if (!replaced) return `the earlier snapshot was replaced: ${outcome.stderr}`;
    try {
      await openSnapshot(this.output, { search: [this.folder] });
      return await this.wrongMemory();
    } catch (error) {
      return `${describeFault(fault)}: ${(error as Error).message}`;
    }
  }

  private wrongLeftovers(before: readonly string[]): string | undefined {
    const left = this.others().filter((name) => !before.includes(name));
    return left.length > 0 ? `left: ${left}` : undefined;
  }
}

/** An ending that fits the fault: killed when it was, a message or success otherwise. */
export function wrongCommand(outcome: Outcome, { act }: Fault): string | undefined {
  if (act === 'SIGKILL') return outcome.signal === 'SIGKILL' ? undefined : `exit code ${outcome.code}`;
  if (act.startsWith('SIG') && outcome.signal === act) return outcome.stderr === '' ? undefined : outcome.stderr;
  return wrongEnding(outcome, act === 'short' ? [0] : [0, 1]);
}
