/** The program programs/files.c, which does with files what each input line says: started, captured, restored. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { checkHost } from '../../src/restore/check-host.js';
import { type FdPolicy, RestoreProblems } from '../../src/restore/grants.js';
import type { CaptureReport } from '../../src/snapshot/capture-report.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { capturePid } from '../support/capture.js';
import { nativeArch } from '../support/native-arch.js';
import { type Built, build, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

export const folder = temporaryFolder();
export const root = join(folder, 'root');
export const snapshot = join(folder, 'snapshot');
export const dirs = [{ host: root, guest: '/', readOnly: false }];
export const at = (name: string) => join(root, name);
beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
});

const built = new Map<ArchName, Promise<Built>>();
function programOf(arch: ArchName): Promise<Built> {
  const program =
    built.get(arch) ?? build(join(import.meta.dirname, 'programs/files.wasm'), join(folder, arch), { arch });
  built.set(arch, program);
  return program;
}

/** The program of programs/files.c: does a line, and answers. */
export class Program {
  private lines: number;

  constructor(readonly workload: Workload) {
    this.lines = workload.stdout.length;
  }

  static async start(arch: ArchName = nativeArch, settings: { readOnly?: boolean } = {}): Promise<Program> {
    const [dir] = dirs;
    const program = await programOf(arch);
    const workload = Workload.start(program.path, { stdin: 'pipe', dirs: [{ ...dir, ...settings }] });
    await workload.waitFor('ready\n');
    return new Program(workload);
  }

  async does(text: string): Promise<string> {
    this.workload.stdin.write(`${text}\n`);
    await this.workload.waitUntil((stdout) => stdout.indexOf('\n', this.lines) >= 0, `an answer to ${text}`);
    const end = this.workload.stdout.indexOf('\n', this.lines);
    const answer = this.workload.stdout.slice(this.lines, end);
    this.lines = end + 1;
    return answer;
  }

  async all(...texts: string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const text of texts) answers.push(await this.does(text));
    return answers;
  }

  /** @returns what it has been told that the user should know, and the report */
  async capture(
    options: { kill?: boolean; maxFileData?: number; hashFiles?: boolean } = {},
  ): Promise<[string[], CaptureReport]> {
    const said: string[] = [];
    const onWarning = (text: string) => said.push(text);
    const report = await capturePid(this.workload.pid, {
      output: snapshot,
      kill: true,
      timeout: 60_000,
      onWarning,
      ...options,
    });
    if (options.kill ?? true) await this.workload.ended();
    return [said, report];
  }

  async end(): Promise<void> {
    this.workload.stdin.end();
    await this.workload.ended();
  }
}

export interface How {
  readonly arch?: ArchName;
  readonly selfContained?: boolean;
  readonly readOnly?: boolean;
  readonly policies?: ReadonlyMap<number, FdPolicy>;
}

export async function restored({ arch = nativeArch, readOnly = false, ...settings }: How = {}): Promise<Program> {
  const program = await programOf(arch);
  const output = join(folder, 'resumable');
  rmSync(output, { force: true });
  const directories = [{ ...dirs[0], readOnly }];
  return new Program(
    await restoreAndStart(snapshot, program, output, { stdin: 'pipe', dirs: directories, ...settings }),
  );
}

/** What restore says before it runs anything. */
export async function said(strictFiles = false): Promise<string[]> {
  try {
    return await checkHost(readSnapshot(snapshot), { recordedDirectories: true, strictFiles });
  } catch (error) {
    if (error instanceof RestoreProblems) return error.problems.map(({ what }) => `refused: ${what}`);
    throw error;
  }
}
