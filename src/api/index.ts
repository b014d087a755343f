/**
 * The public library: what programs import as `wag-snap`. Each entry loads what it needs when it is called.
 *
 * Errors are InputError (the input's fault), LimitError (it exceeds a limit of ours), ToolError (the environment does
 * not let us) and BugError (ours); each has a `code`.
 */

export { BugError, InputError, LimitError, ModuleError, ToolError, UsageError, WagSnapError } from '../base/errors.js';
export { attach } from './attach.js';
export { type CaptureOptions, type CaptureReport, capture } from './capture.js';
export { type CompactOptions, compact } from './compact.js';
export { type CoredumpOptions, coredump } from './coredump.js';
export type { Links } from './links.js';
export type { Directory } from './process-options.js';
export type { ProgramSource } from './program-file.js';
export {
  type FdPolicy,
  type RestoreImageOptions,
  type RestoreOptions,
  RestoreProblems,
  restore,
  restoreImage,
  type SnapshotSource,
} from './restore.js';
export { type RunOptions, run } from './run.js';
export type { Stream } from './started-workload.js';
export { type VerifiedFile, type VerifyOptions, verify } from './verify.js';
export type { AttachedWorkload, Exit, StartedWorkload, Trap, Workload } from './workload.js';
export { listWorkloads, type WorkloadEntry } from './workloads.js';
