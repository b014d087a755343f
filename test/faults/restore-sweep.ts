/**
 * Restores of one snapshot with a fault at each of their calls: into an executable, or running, with the cache empty or
 * full. In every case the snapshot stays as it is, and either the old output is whole or the new one complete. Only a
 * killed command leaves other files, until the next command. A cache that fails is no failure.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Workload } from '../support/workload.js';
import { wrongCommand } from './capture-sweep.js';
import { type Calls, command, describeFault, type Fault, type Outcome, trace, wrongEnding } from './command.js';
import type { Conversation } from './programs.js';
import type { Tally } from './tally.js';

const INPUT = 'xy';

/** `write` an executable, or `run` it, with or without the image in the cache. */
export type RestoreMode = 'write' | 'write uncached' | 'run' | 'run uncached';

export class RestoreSweep {
  private readonly output: string;
  private readonly original: Buffer;
  private readonly answers: string;

  /** @param before what the program has heard so far */
  constructor(
    private readonly folder: string,
    private readonly mode: RestoreMode,
    private readonly snapshot: string,
    before: Conversation,
    private readonly more: readonly string[],
  ) {
    for (const name of ['out', 'tmp']) mkdirSync(join(folder, name));
    this.output = join(folder, 'out', 'it');
    this.original = readFileSync(snapshot);
    const conversation = before.copy();
    this.answers = `${[...Buffer.from(INPUT)].map((byte) => conversation.answer(byte)).join('')}.`;
  }

  /** @param more options */
  static make(
    parent: string,
    mode: RestoreMode,
    snapshot: string,
    before: Conversation,
    more: readonly string[] = [],
  ): RestoreSweep {
    return new RestoreSweep(mkdtempSync(join(parent, 'restore-')), mode, snapshot, before, more);
  }

  private get args(): string[] {
    return ['restore', this.snapshot, ...this.more, ...(this.mode.startsWith('run') ? [] : ['-o', this.output])];
  }

  private get options() {
    const { folder } = this;
    const env = { TMPDIR: join(folder, 'tmp'), XDG_CACHE_HOME: join(folder, 'cache') };
    return { folder, env, input: INPUT };
  }

  async trace(): Promise<Calls> {
    if (!this.mode.endsWith('uncached')) await trace(this.args, this.options);
    return trace(this.args, this.options);
  }

  async inject(fault: Fault, tally: Tally): Promise<void> {
    if (this.mode.endsWith('uncached')) rmSync(join(this.folder, 'cache'), { recursive: true, force: true });
    const before = existsSync(this.output) ? readFileSync(this.output) : undefined;
    const others = this.others();
    const outcome = await command(this.args, { ...this.options, fault });
    if (!outcome.reached) return;
    const wrong =
      wrongCommand(outcome, fault) ??
      (this.mode.startsWith('run') ? this.wrongRun(outcome) : await this.wrongOutput(before, outcome)) ??
      (this.original.equals(readFileSync(this.snapshot)) ? undefined : 'the snapshot has changed') ??
      (fault.act === 'SIGKILL' || fault.label.startsWith('rmSync') ? undefined : this.wrongLeftovers(others));
    tally.add(`restore (${this.mode}), ${describeFault(fault)}`, wrong);
  }

  /** A last restore cleans up. */
  async finish(): Promise<string | undefined> {
    const outcome = await command(this.args, this.options);
    const left = this.others();
    const wrong =
      wrongEnding(outcome, [0]) ??
      (this.mode.startsWith('run') ? this.wrongRun(outcome) : await this.wrongOutput(undefined, outcome)) ??
      (left.length > 0 ? `left: ${left}` : undefined);
    rmSync(this.folder, { recursive: true });
    return wrong;
  }

  private wrongRun({ code, stdout, stderr }: Outcome): string | undefined {
    if (code === 0) return stdout === this.answers ? undefined : `it prints ${stdout}, not ${this.answers}`;
    return this.answers.startsWith(stdout) ? undefined : `it prints ${stdout}, and says ${stderr}`;
  }

  /** An executable is the earlier one, or continues. */
  private async wrongOutput(before: Buffer | undefined, outcome: Outcome): Promise<string | undefined> {
    if (!existsSync(this.output)) return before || outcome.code === 0 ? 'there is no executable' : undefined;
    const after = readFileSync(this.output);
    if (before?.equals(after)) return undefined;
    const replaced = outcome.code === 0 || outcome.signal !== null || /is complete/.test(outcome.stderr);
    if (!replaced) return `the earlier executable was replaced: ${outcome.stderr}`;
    const workload = Workload.start(this.output, { stdin: 'pipe' });
    workload.stdin.write(INPUT);
    workload.stdin.end();
    const { code, stdout, stderr } = await workload.ended();
    return code === 0 && stdout === this.answers ? undefined : `the executable ends with ${code}: ${stdout}, ${stderr}`;
  }

  private others(): string[] {
    const cache = join(this.folder, 'cache/wag-snap');
    return [
      ...readdirSync(join(this.folder, 'tmp')),
      ...readdirSync(join(this.folder, 'out')).filter((name) => name !== 'it'),
      ...(existsSync(cache) ? readdirSync(cache).filter((name) => name.startsWith('.')) : []),
    ];
  }

  private wrongLeftovers(before: readonly string[]): string | undefined {
    const left = this.others().filter((name) => !before.includes(name));
    return left.length > 0 ? `left: ${left}` : undefined;
  }
}
