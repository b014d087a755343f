/**
 * From a pid that the user names to the process that is meant: `wag-snap run` stands in for its program, whose parent it
 * is, so who names the one means the other.
 */

import { InputError } from '../base/errors.js';
import { ImageProcess } from './process.js';
import { ProcessFolder } from './process-folder.js';

/** Bytes of a list of children, at most. */
const CHILDREN_MAX = 1 << 12;

/**
 * `pid` itself when it is of one of our images, else its only child that is. The caller closes it.
 *
 * @throws InputError when there is none, or more than one to choose from; ToolError as ImageProcess.attach
 */
export function attachWorkload(pid: number): ImageProcess {
  let refusal: unknown;
  try {
    return ImageProcess.attach(pid);
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== 'not-ours') throw error;
    refusal = error;
  }
  const workloads = childrenOf(pid).flatMap(tryAttach);
  if (workloads.length === 1) return workloads[0];
  for (const workload of workloads) workload.close();
  if (workloads.length === 0) throw refusal;
  const pids = workloads.map((workload) => workload.pid).join(', ');
  throw new InputError('ambiguous', `pid ${pid} is the parent of several programs: ${pids}`);
}

function tryAttach(pid: number): ImageProcess[] {
  try {
    return [ImageProcess.attach(pid)];
  } catch {
    return [];
  }
}

/** Of the process's first thread, which starts those of `run`. */
function childrenOf(pid: number): number[] {
  let folder: ProcessFolder | undefined;
  try {
    folder = ProcessFolder.open(pid);
    const text = folder.head(`task/${pid}/children`, CHILDREN_MAX).toString('latin1');
    return text.trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return []; // it has ended, or the kernel does not tell (CONFIG_PROC_CHILDREN)
  } finally {
    folder?.close();
  }
}
