/** Finds a running program by its pid or its name. */

import type { SignalOption } from './common-options.js';
import { attachGiven } from './find-process.js';
import type { AttachedWorkload } from './workload.js';

/**
 * Attaches to a running program, and changes nothing in it.
 *
 * @param process the program's pid or name; the pid of a `wag-snap run` means the program that it runs
 * @throws InputError when there is no such program, it is not one of ours, or several have the name; ToolError when it
 * may not be inspected
 */
export async function attach(process: number | string, options: SignalOption = {}): Promise<AttachedWorkload> {
  const { AttachedProcess } = await import('./attached-workload.js');
  return new AttachedProcess(await attachGiven(String(process), options.signal));
}
