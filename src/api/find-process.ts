/** Finds the running program that a text means: a pid, or a workload's name. */

import { existsSync } from 'node:fs';
import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { ImageProcess } from '../capture/process.js';
import { isWorkloadName } from '../image/workload-name.js';

const PID = /^\d{1,9}$/;

/** Whether a text can be a pid or a workload's name. A file may have the same name. */
export function namesProcess(text: string): boolean {
  return PID.test(text) || isWorkloadName(text);
}

/**
 * The caller closes the result.
 *
 * @param text see namesProcess
 * @param signal stops the wait for a process that is still starting
 * @throws InputError when there is no such program, or when several have the name; ToolError as ImageProcess.attach
 */
export async function attachGiven(text: string, signal?: AbortSignal): Promise<ImageProcess> {
  const { attachNamed, attachWorkload } = await import('../capture/attach-workload.js');
  if (PID.test(text)) return await attachWorkload(Number(text), signal);
  const workload = await attachNamed(text, signal);
  if (workload !== undefined) return workload;
  throw new InputError('no-process', `there is no program named ${quoted(text)}: wag-snap ps lists those that run`);
}

/** For commands that take a file as well. A file of that name takes precedence: then the result is undefined. */
export async function attachUnlessFile(text: string, signal?: AbortSignal): Promise<ImageProcess | undefined> {
  if (!namesProcess(text) || existsSync(text)) return undefined;
  try {
    return await attachGiven(text, signal);
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== 'no-process' || PID.test(text)) throw error;
    throw new InputError(error.code, `${text}: no such file, and no running program of this name`);
  }
}

/**
 * For commands that take a snapshot's file or its name in a store, too.
 *
 * @returns undefined when there is such a file, or no program of that name
 * @throws InputError when there is no program of that pid, or there are several of that name; as ImageProcess.attach
 */
export async function attachIfRuns(text: string): Promise<ImageProcess | undefined> {
  try {
    return await attachUnlessFile(text);
  } catch (error) {
    if (error instanceof InputError && error.code === 'no-process' && !PID.test(text)) return undefined;
    throw error;
  }
}

/** As attachUnlessFile; a number is always a pid. */
export async function attachSubject(subject: string | number, signal?: AbortSignal): Promise<ImageProcess | undefined> {
  return typeof subject === 'number' ? attachGiven(String(subject), signal) : attachUnlessFile(subject, signal);
}
