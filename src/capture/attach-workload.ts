/**
 * Finds the process that a pid or a name means. A `wag-snap run` may be the parent of its program: then its pid means
 * the program.
 */

import { InputError } from '../base/errors.js';
import { ImageProcess } from './process.js';
import { ProcessFolder } from './process-folder.js';
import { listWorkloads } from './workloads.js';

/** The longest list of children that is read, in bytes. */
const CHILDREN_MAX = 1 << 12;

/**
 * Attaches to `pid` when it runs one of our images, else to its only child that does. The caller closes the result.
 *
 * @throws InputError when there is none, or more than one; ToolError as ImageProcess.attach
 */
export async function attachWorkload(pid: number, signal?: AbortSignal): Promise<ImageProcess> {
  let refusal: unknown;
  try {
    return await ImageProcess.attach(pid, signal);
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== 'not-ours') throw error;
    refusal = error;
  }
  const workloads: ImageProcess[] = [];
  for (const child of childrenOf(pid)) workloads.push(...(await tryAttach(child, signal)));
  if (workloads.length === 1) return workloads[0];
  for (const workload of workloads) workload.close();
  if (workloads.length === 0) throw refusal;
  const pids = workloads.map((workload) => workload.pid).join(', ');
  throw new InputError('ambiguous', `pid ${pid} is the parent of several programs: ${pids}`);
}

/**
 * Attaches to the only workload with a name; undefined when there is none. The caller closes the result.
 *
 * @throws InputError when there are several; InputError, ToolError as ImageProcess.attach
 */
export async function attachNamed(name: string, signal?: AbortSignal): Promise<ImageProcess | undefined> {
  const pids = listWorkloads().flatMap((workload) => (workload.name === name ? [workload.pid] : []));
  if (pids.length > 1) {
    throw new InputError(
      'ambiguous',
      `there are several programs named ${name}: give one of their pids: ${pids.join(', ')}`,
    );
  }
  if (pids.length === 0) return undefined;
  const workload = await ImageProcess.attach(pids[0], signal);
  if (workload.name === name) return workload;
  workload.close(); // it has ended, and its pid was reused
  return undefined;
}

async function tryAttach(pid: number, signal: AbortSignal | undefined): Promise<ImageProcess[]> {
  try {
    return [await ImageProcess.attach(pid, signal)];
  } catch (error) {
    if (signal?.aborted) throw error;
    return [];
  }
}

/** Children of the process's first thread, which is the one that starts programs for `run`. */
function childrenOf(pid: number): number[] {
  let folder: ProcessFolder | undefined;
  try {
    folder = ProcessFolder.open(pid);
    const text = folder.head(`task/${pid}/children`, CHILDREN_MAX).toString('latin1');
    return text.trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return []; // it has ended, or the kernel does not list children (CONFIG_PROC_CHILDREN)
  } finally {
    folder?.close();
  }
}
