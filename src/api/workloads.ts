/** Lists the workloads that run on this machine. */

import type { WorkloadEntry } from '../capture/workloads.js';

export type { WorkloadEntry };

/** All workloads that this user may inspect, by ascending pid, whoever started them. */
export async function listWorkloads(): Promise<WorkloadEntry[]> {
  const { listWorkloads: list } = await import('../capture/workloads.js');
  return list();
}
