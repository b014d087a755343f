/** The workloads that run on this machine. */

import type { WorkloadEntry } from '../capture/workloads.js';

export type { WorkloadEntry };

/** All that we may look at, in the order of their pids, whoever has started them. */
export async function listWorkloads(): Promise<WorkloadEntry[]> {
  const { listWorkloads: list } = await import('../capture/workloads.js');
  return list();
}
