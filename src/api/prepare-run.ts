/** Prepares a module or an image for `run` or `invoke`. */

import type { WarningOption } from './common-options.js';
import { importNames } from './embedder/import-object.js';
import { type Links, readLinks } from './links.js';
import { type ProcessOptions, processEnvironment } from './process-options.js';
import { type PreparedProgram, prepareProgram } from './program.js';
import { type ProgramSource, programFile } from './program-file.js';
import type { StartOptions } from './started-workload.js';

/** Options of both `run` and `invoke`. */
export interface ProgramRunOptions extends ProcessOptions, StartOptions, WarningOption {
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
 * @param args the program's arguments after its name
 * @throws ModuleError, InputError, LimitError, UsageError, ToolError
 */
export async function prepareRun(
  program: ProgramSource,
  args: readonly string[],
  options: ProgramRunOptions & { readonly beginAtOnce?: boolean | undefined },
): Promise<PreparedProgram> {
  const { arch = process.arch === 'arm64' ? 'arm64' : 'x64', dirs = [], onWarning, signal } = options;
  const env = await processEnvironment(options);
  if (onWarning !== undefined && dirs.length > 0) {
    const { cacheGrantWarnings } = await import('./cache-grant.js');
    for (const warning of cacheGrantWarnings(dirs)) onWarning(warning);
  }
  const file = programFile(program, options.programName);
  try {
    const { deterministic = false, allowMissingImports = false, beginAtOnce = false, links = {} } = options;
    const hostImports = options.imports && importNames(options.imports);
    const linked = await readLinks(links);
    const compilation = { arch, deterministic, allowMissingImports, beginAtOnce, hostImports, linked };
    return await prepareProgram(file, compilation, { args, env }, signal);
  } catch (error) {
    file.release();
    throw error;
  }
}
