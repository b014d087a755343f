/** A workload that is kept parked by a move whose end is not known: whoever knows it says what becomes of it. */

import { endKept as endProcess, resumeKept as resumeProcess } from '../capture/kept.js';
import { attachGiven } from './find-process.js';

/**
 * It does not run elsewhere: it continues here.
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

/** It runs elsewhere: it ends here. As resumeKept. */
export async function endKept(workload: number | string, signal?: AbortSignal): Promise<void> {
  const process = await attachGiven(String(workload), signal);
  try {
    await endProcess(process);
  } finally {
    process.close();
  }
}
