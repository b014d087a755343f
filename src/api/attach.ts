/** A running program, by its pid or by the name that it was given when it was started. */

import type { SignalOption } from './common-options.js';
import { attachGiven } from './find-process.js';
import type { AttachedWorkload } from './workload.js';

/**
 * Takes hold of a running program, and changes nothing in it.
 *
 * @param process its pid, or the name that it was given. The pid of a `wag-snap run` means the program that it stands in
 *   for.
 * @throws InputError when there is none, it is not one of ours, or there are several; ToolError when it may not be
 *   looked at
 */
export async function attach(process: number | string, options: SignalOption = {}): Promise<AttachedWorkload> {
  const { AttachedProcess } = await import('./attached-workload.js');
  return new AttachedProcess(await attachGiven(String(process), options.signal));
}
