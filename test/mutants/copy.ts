/**
 * A copy of the tree that mutants are applied to, one after the other, in a folder of its own. It shares node_modules,
 * and is built only as far as a mutant's tests look at what is built.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const COPIED = ['bin', 'src', 'test', 'scripts', 'fixtures', 'dist'];
const FILES = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'vitest.config.ts'];
/** AssemblyScript, and the constants that it shares with the tool. */
const HOST_LAYER = /^src\/(runtime|image\/contract)\//;
const CONTRACT = 'src/image/contract/';
const SIGNAL_HELPER = 'src/capture/signal-helper.ts';

export class TreeCopy {
  readonly folder: string;
  /** What is built of the tree as it is. */
  private readonly pristine: string;
  private isBuiltOtherwise = false;

  /** @param root of the package, which is built */
  constructor(root: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'wag-snap-mutants-'));
    for (const name of COPIED) cpSync(join(root, name), this.path(name), { recursive: true });
    for (const name of FILES) cpSync(join(root, name), this.path(name));
    symlinkSync(resolve(root, 'node_modules'), this.path('node_modules'));
    this.pristine = this.path('pristine');
    cpSync(this.path('dist'), this.pristine, { recursive: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(file: string): string {
    return readFileSync(this.path(file), 'utf8');
  }

  /** Changes a file. @returns a function that changes it back */
  apply(file: string, text: string): () => void {
    const original = this.read(file);
    writeFileSync(this.path(file), text);
    return () => writeFileSync(this.path(file), original);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What is built is that of the tree as it is again. */
  restoreBuild(): void {
    if (!this.isBuiltOtherwise) return;
    rmSync(this.path('dist'), { recursive: true });
    cpSync(this.pristine, this.path('dist'), { recursive: true });
    this.isBuiltOtherwise = false;
  }

  /**
   * Whether tests look at what is built of a changed file. 'perhaps': they use the command besides what they import, and
   * may notice the change without it.
   */
  isBuilt(file: string, tests: readonly string[]): 'yes' | 'perhaps' | 'no' {
    if (HOST_LAYER.test(file) || file === SIGNAL_HELPER) return 'yes';
    return tests.some((test) => this.usesBuild(test)) ? 'perhaps' : 'no';
  }

  /** Builds what tests look at of a changed file, until restoreBuild. @returns what keeps it from being built */
  async build(file: string, tests: readonly string[]): Promise<string | undefined> {
    const hostLayer = HOST_LAYER.test(file);
    const usesBuild = tests.some((test) => this.usesBuild(test));
    const command = usesBuild && (!hostLayer || file.startsWith(CONTRACT));
    this.isBuiltOtherwise = true;
    // A mutant may leave a variable unused: types do not matter, and what is written all the same is run.
    if (command || file === SIGNAL_HELPER) this.run('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json']);
    if (hostLayer) {
      // In this process: its second build and those after it take a third of the time.
      const { buildHost } = await import(pathToFileURL(this.path('scripts/build-host.mjs')).href);
      const problem = await buildHost({ quick: true });
      if (problem !== undefined) return `build-host: ${problem.trim()}`;
    }
    const steps = [
      ...(file === SIGNAL_HELPER ? [['scripts/build-signal-helper.mjs']] : []),
      ...(usesBuild ? [['scripts/bundle.mjs']] : []), // it knows what it is built of: images in the cache are not others'
    ];
    for (const step of steps) {
      const { status, output } = this.run(process.execPath, step);
      if (status !== 0) return `${step[0]}: ${output.trim()}`;
    }
    return undefined;
  }

  private run(command: string, args: readonly string[]): { status: number | null; output: string } {
    const program = command.startsWith('/') ? command : this.path(command);
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: this.folder, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  }

  /** Whether a test, or what it imports below test/, starts the command or loads what is built. */
  private usesBuild(test: string, seen = new Set<string>()): boolean {
    if (seen.has(test) || !existsSync(this.path(test))) return false;
    seen.add(test);
    const text = this.read(test);
    if (/bin\/wag-snap|\/dist\/|\bbin\/main\.js/.test(text)) return true;
    for (const [, target] of text.matchAll(/from '(\.[^']+)\.js'/g)) {
      const file = join(dirname(test), `${target}.ts`);
      if (file.startsWith('test/') && this.usesBuild(file, seen)) return true;
    }
    return false;
  }
}
