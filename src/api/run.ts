/** Starts a module or an image as a running program. */

import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { WarningOption } from './common-options.js';
import { importNames } from './embedder/import-object.js';
import { type Links, readLinks } from './links.js';
import type { ProcessOptions } from './process-options.js';
import type { ProgramSource } from './program-file.js';
import type { StartOptions } from './started-workload.js';
import type { StartedWorkload } from './workload.js';

export interface RunOptions extends ProcessOptions, StartOptions, WarningOption {
  /** The program's arguments after its name. */
  readonly args?: readonly string[] | undefined;
  /** The program's name in messages and its argument 0; default: its path. */
  readonly programName?: string | undefined;
  /** For modules: the CPU to compile for; default: this machine's. Programs for another CPU need qemu-user. */
  readonly arch?: 'x64' | 'arm64' | undefined;
  /** For modules: give every NaN the same bits, so that runs are alike on all CPUs. */
  readonly deterministic?: boolean | undefined;
  /** For modules: the modules that they are linked to. */
  readonly links?: Links | undefined;
  /** For modules: accept imports that nothing provides, as CompileOptions.allowMissingImports. */
  readonly allowMissingImports?: boolean | undefined;
}

/**
 * Starts a program as a child of this process. The image of a module comes from the cache, or is compiled first.
 *
 * @param program a path, the bytes of a module or an image, or an image
 * @throws ModuleError, InputError, LimitError, UsageError, ToolError; after each of them nothing was started
 */
export async function run(program: ProgramSource, options: RunOptions = {}): Promise<StartedWorkload> {
  const [{ programFile }, { functionsWithoutEntry, prepareProgram }, { processEnvironment }, { startPrepared }] =
    await Promise.all([
      import('./program-file.js'),
      import('./program.js'),
      import('./process-options.js'),
      import('./started-workload.js'),
    ]);
  const { args = [], arch = process.arch === 'arm64' ? 'arm64' : 'x64', dirs = [], onWarning, signal } = options;
  const env = await processEnvironment(options);
  if (onWarning !== undefined && dirs.length > 0) {
    const { cacheGrantWarnings } = await import('./cache-grant.js');
    for (const warning of cacheGrantWarnings(dirs)) onWarning(warning);
  }
  const prepare = async () => {
    const file = programFile(program, options.programName);
    try {
      const { deterministic = false, allowMissingImports = false, links = {} } = options;
      const hostImports = options.imports && importNames(options.imports);
      const compilation = { arch, deterministic, allowMissingImports, hostImports, linked: await readLinks(links) };
      const prepared = await prepareProgram(file, compilation, { args, env }, signal);
      const functions = prepared.hasModule ? functionsWithoutEntry(await prepared.module()) : undefined;
      if (functions === undefined) return prepared;
      prepared.release();
      throw noEntry(file.name, functions);
    } catch (error) {
      file.release();
      throw error;
    }
  };
  return startPrepared(prepare, options);
}

function noEntry(name: string, functions: readonly string[]): InputError {
  const has = functions.length === 0 ? 'it exports no function' : `it exports ${functions.map(quoted).join(', ')}`;
  return new InputError('no-entry', `${name} has no _start, so there is nothing to run: ${has}`);
}
