/** The workloads that run on this machine. */

export { listWorkloads, type WorkloadEntry } from '../capture/workloads.js';
