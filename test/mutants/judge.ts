/** Runs tests in a copy of the tree, and says whether they noticed. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { TreeCopy } from './copy.js';
import type { Mutant } from './mutant.js';

interface TestFile {
  readonly name: string;
  readonly milliseconds: number;
  readonly tests: readonly { readonly name: string; readonly state: string }[];
  /** That of loading it. */
  readonly error?: string;
}

interface Answer {
  readonly files: readonly TestFile[];
  /** One outside of all tests. */
  readonly error?: string;
}

/** 'broken': its file cannot even be read any more, so that no test has judged anything. */
export type Verdict = 'noticed' | 'hangs' | 'survived' | 'broken';

/** Milliseconds that a run may take besides a multiple of what it takes without a mutant. */
const PATIENCE = 45_000;
const UNMUTATED_PATIENCE = 1_800_000;

/** The tests of one copy: server.mjs, which is started again after a mutant that hangs. */
export class Judge {
  private server: ChildProcess | undefined;
  private lines: Interface | undefined;
  private changed: string[] = [];
  private readonly known = new Map<string, TestFile>();

  /** Files of the last verdict's tests that have failed. */
  noticedBy: string[] = [];

  /** @param failFast one failure is enough */
  constructor(
    private readonly copy: TreeCopy,
    private readonly failFast = true,
  ) {}

  /**
   * Runs a mutant's tests without it, each file once; those that fail once more, as a failure may have had to do with
   * what else the machine does.
   *
   * @returns those that fail
   */
  async baseline({ tests, only }: Mutant): Promise<string[]> {
    const missing = tests.filter((test) => !this.known.has(keyOf(test, only)));
    if (missing.length === 0) return [];
    let answer = await this.run(missing, only, UNMUTATED_PATIENCE, false);
    if (answer?.files.some(hasFailed)) answer = await this.run(missing, only, UNMUTATED_PATIENCE, false);
    if (answer === undefined) return missing.map((test) => `${test} hangs`);
    for (const file of answer.files) this.known.set(keyOf(file.name.slice(this.copy.folder.length + 1), only), file);
    return answer.files.flatMap(({ name, error, tests }) => [
      ...(error === undefined ? [] : [`${name}: ${error}`]),
      ...tests.filter(({ state }) => state === 'failed').map((test) => `${name}: ${test.name}`),
    ]);
  }

  /** Whether any of a mutant's tests runs here: some are skipped where the machine lacks what they need. */
  canJudge(mutant: Mutant): boolean {
    return this.filesOf(mutant).some(({ tests }) => tests.some(({ state }) => state === 'passed'));
  }

  /** The verdict of a mutant that is applied. */
  async judge(mutant: Mutant): Promise<Verdict> {
    const usual = this.filesOf(mutant).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const answer = await this.run(mutant.tests, mutant.only, PATIENCE + 8 * usual, this.failFast);
    this.noticedBy = [];
    if (answer === undefined) return 'hangs';
    const { files, error } = answer;
    if (files.some((file) => /Transform failed/.test(file.error ?? ''))) return 'broken';
    this.noticedBy = files.filter(hasFailed).map(({ name }) => name.slice(this.copy.folder.length + 1));
    return this.noticedBy.length > 0 || error !== undefined ? 'noticed' : 'survived';
  }

  /** A file of the copy is another one now. */
  touch(file: string): void {
    this.changed.push(file);
  }

  stop(): void {
    if (this.server?.pid !== undefined) killGroup(this.server.pid);
    this.server = undefined;
  }

  private filesOf({ tests, only }: Mutant): TestFile[] {
    return tests.flatMap((test) => this.known.get(keyOf(test, only)) ?? []);
  }

  /** @returns undefined when it was ended after `patience` milliseconds */
  private async run(
    tests: readonly string[],
    only: string | undefined,
    patience: number,
    failFast: boolean,
  ): Promise<Answer | undefined> {
    if (this.server === undefined) this.start();
    const { server, lines } = this;
    const answer = new Promise<Answer | undefined>((done) => {
      lines!.once('line', (line) => done(JSON.parse(line)));
      lines!.once('close', () => done({ files: [], error: 'the tests have ended vitest' }));
      setTimeout(() => done(undefined), patience).unref();
    });
    server!.stdin!.write(`${JSON.stringify({ changed: this.changed, tests, only, failFast })}\n`);
    this.changed = [];
    const result = await answer;
    lines!.removeAllListeners();
    if (result === undefined || result.files.length === 0) this.stop();
    return result;
  }

  private start(): void {
    this.server = spawn(process.execPath, [this.copy.path('test/mutants/server.mjs')], {
      cwd: this.copy.folder,
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true, // a group of its own, with all that the tests start
    });
    this.lines = createInterface({ input: this.server.stdout! });
  }
}

const hasFailed = ({ error, tests }: TestFile) => error !== undefined || tests.some(({ state }) => state === 'failed');

const keyOf = (test: string, only: string | undefined) => `${test} ${only ?? ''}`;

/** What is left of our own group. */
function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nothing is.
  }
}
