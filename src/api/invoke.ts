/** Calls an exported function in a process of its own, as `run --invoke` does. */

import type { ProgramRunOptions } from './prepare-run.js';
import type { ProgramSource } from './program-file.js';
import type { StartedWorkload } from './workload.js';

/** As for `run`, without `onTrap`: a trap is the call's reply. */
export type InvokeOptions = Omit<ProgramRunOptions, 'onTrap'>;

/**
 * Calls one function that a module or an image exports, in a process of its own, after the `_initialize` of a reactor.
 * The process is a child of this one. It can be captured; the reply is then that of the restored workload.
 *
 * @param program as for `run`
 * @param name the name of the export
 * @param args i32, f32 and f64 are numbers, i64 are bigints, a v128 is its 16 bytes, a reference null
 * @returns the process; `exited` has the reply: results, or a trap
 * @throws InputError 'no-export', UsageError for arguments that do not fit; as `run`; after each of them nothing was started
 */
export async function invoke(
  program: ProgramSource,
  name: string,
  args: readonly (number | bigint | Uint8Array | null)[] = [],
  options: InvokeOptions = {},
): Promise<StartedWorkload> {
  const [{ prepareRun }, { prepareCall, valueArguments }, { startPrepared }] = await Promise.all([
    import('./prepare-run.js'),
    import('./call-message.js'),
    import('./started-workload.js'),
  ]);
  const prepare = async () => {
    const prepared = await prepareRun(program, [], options);
    try {
      return { ...prepared, call: prepareCall(prepared.image, await prepared.module(), name, valueArguments(args)) };
    } catch (error) {
      prepared.release();
      throw error;
    }
  };
  return startPrepared(prepare, options);
}
