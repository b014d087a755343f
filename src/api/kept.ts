/** Decides about a workload that a move with unknown outcome has left parked. */

import { endKept as endProcess, resumeKept as resumeProcess } from '../capture/kept.js';
import { attachGiven } from './find-process.js';

/**
 * For a workload that does not run elsewhere: it continues here.
 *
 * @param workload its pid, or the name that it was given
 * @throws InputError 'not-kept' when it is not kept; ToolError
 */
export async function resumeKept(workload: number | string, signal?: AbortSignal): Promise<void> {
  const process = await attachGiven(String(workload), signal);
  try {
    await resumeProcess(process);
  } finally {
    process.close();
  }
}

/** For a workload that runs elsewhere: it ends here. Otherwise as resumeKept. */
export async function endKept(workload: number | string, signal?: AbortSignal): Promise<void> {
  const process = await attachGiven(String(workload), signal);
  try {
    await endProcess(process);
  } finally {
    process.close();
  }
}
