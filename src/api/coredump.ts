/** WebAssembly coredumps, for debuggers: of a process, or of a snapshot. */

import type { Destination } from '../base/output.js';
import type { CoredumpOptions } from '../capture/coredump-process.js';
import type { ImageProcess } from '../capture/process.js';

export type { CoredumpOptions };

/** The process continues. @throws InputError, ToolError, LimitError; it continues then, too */
export async function coredumpAttached(
  process: ImageProcess,
  output: Destination | string,
  options: CoredumpOptions = {},
): Promise<void> {
  const { coredumpProcess } = await import('../capture/coredump-process.js');
  await coredumpProcess(process, output, options);
}

/** @param path of the snapshot. @throws InputError, ToolError, LimitError */
export async function coredumpSnapshot(path: string, output: Destination | string): Promise<void> {
  const [{ readSnapshot }, { writeCoredump }] = await Promise.all([
    import('../snapshot/format.js'),
    import('../snapshot/coredump.js'),
  ]);
  await writeCoredump(readSnapshot(path), output);
}
