/** Starts a module or an image as a running program. */

import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { ProgramRunOptions } from './prepare-run.js';
import type { ProgramSource } from './program-file.js';
import type { StartedWorkload } from './workload.js';

export interface RunOptions extends ProgramRunOptions {
  /** The program's arguments after its name. */
  readonly args?: readonly string[] | undefined;
  /**
   * For modules: starts one that is not in the cache before it is compiled. A function is compiled when it is first
   * called, in this thread. Ignored for linked modules, and those that import functions of this process or have
   * exceptions. Default: false.
   */
  readonly beginAtOnce?: boolean | undefined;
}

/**
 * Starts a program as a child of this process. The image of a module comes from the cache, or is compiled first.
 *
 * @param program a path, the bytes of a module or an image, or an image
 * @throws ModuleError, InputError, LimitError, UsageError, ToolError; after each of them nothing was started
 */
export async function run(program: ProgramSource, options: RunOptions = {}): Promise<StartedWorkload> {
  const [{ prepareRun }, { functionsWithoutEntry }, { startPrepared }] = await Promise.all([
    import('./prepare-run.js'),
    import('./program.js'),
    import('./started-workload.js'),
  ]);
  const prepare = async () => {
    const prepared = await prepareRun(program, options.args ?? [], options);
    try {
      const functions = prepared.hasModule ? functionsWithoutEntry(await prepared.module()) : undefined;
      if (functions === undefined) return prepared;
      throw noEntry(prepared.name, functions);
    } catch (error) {
      prepared.release();
      throw error;
    }
  };
  return startPrepared(prepare, options);
}

function noEntry(name: string, functions: readonly string[]): InputError {
  const has =
    functions.length === 0
      ? 'it exports no function'
      : `it exports ${functions.map(quoted).join(', ')}, which invoke calls`;
  return new InputError('no-entry', `${name} has no _start, so there is nothing to run: ${has}`);
}
