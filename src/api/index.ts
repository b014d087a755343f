/**
 * The public library: what programs import as `wag-snap`. Each function loads its code when it is first called.
 *
 * Errors are InputError (the input's fault), LimitError (a limit of ours), ToolError (the environment prevents it) and
 * BugError (our fault). Each has a `code`.
 */

export { BugError, InputError, LimitError, ModuleError, ToolError, UsageError, WagSnapError } from '../base/errors.js';
export type { AttachedStreams, ProcessEnd } from '../transport/attached-streams.js';
export { attach } from './attach.js';
export { type CaptureOptions, type CaptureReport, capture } from './capture.js';
export type { OutputOption, ProgressOption, SignalOption, WarningOption } from './common-options.js';
export { type CompactOptions, compact } from './compact.js';
export { compile } from './compile.js';
export type { CompileOptions } from './compile-options.js';
export type { ContinuationOptions } from './continuation-options.js';
export { type CoredumpOptions, coredump } from './coredump.js';
export type { ArchName, CpuLevel } from './cpu.js';
export type {
  ComponentDescription,
  ComponentEntry,
  CoredumpDescription,
  Description,
  DescriptorDescription,
  FileDescription,
  FrameDescription,
  ImageDescription,
  ImageFacts,
  InstanceDescription,
  ModuleDescription,
  ProcessDescription,
  SnapshotDescription,
  ValueDescription,
} from './description.js';
export type { CallContext, GuestMemory } from './embedder/call-context.js';
export {
  type ImportFunction,
  type ImportResult,
  type Imports,
  type ImportType,
  type ImportValue,
  type TypedImport,
  typedImport,
} from './embedder/import-object.js';
export { type ForkOptions, fork } from './fork.js';
export type { Image, ImageModule } from './image.js';
export { inspect } from './inspect.js';
export { type InvokeOptions, invoke } from './invoke.js';
export { endKept, resumeKept } from './kept.js';
export { type OwnKeys, ownIdentity, ownKeys, ownSigningKey, type SnapshotKey } from './keys.js';
export { connectLattice } from './lattice.js';
export type {
  HistoryEntry,
  JobDemands,
  JobEntry,
  Lattice,
  LogOptions,
  LogPiece,
  NodeEntry,
  ServerOptions,
  SubmitOptions,
} from './lattice-options.js';
export type { Links } from './links.js';
export {
  type DestinationOptions,
  type Link,
  LinkError,
  type MigrateOptions,
  type Moved,
  type MoveEvent,
  migrate,
  OwingError,
  parseDestination,
  RemoteError,
  type Transport,
  UndecidedError,
} from './migrate.js';
export { runNode } from './node.js';
export type { LatticeNode, NodeEvent, NodeOptions } from './node-options.js';
export { open, openImage, openSnapshot } from './open.js';
export type { Directory } from './process-options.js';
export type { ProgramSource } from './program-file.js';
export { type Pulled, type PullOptions, pull } from './pull.js';
export { type Pushed, type PushOptions, push } from './push.js';
export { type Received, receive } from './receive.js';
export type { NamedDirectory, PeerGrants, ReceiveEvent, ReceiveOptions } from './receive-options.js';
export {
  type ConnectionEvent,
  type ListenerEvent,
  type ListenOptions,
  listenForMoves,
  type ReceivingHost,
} from './receiver-listener.js';
export type { RegistryOptions } from './registry-options.js';
export { listRemote, type RemoteGeneration } from './remote-list.js';
export type { InvokeReply, InvokeResult } from './reply.js';
export {
  type CloneOptions,
  type FdPolicy,
  type RestoreImageOptions,
  type RestoreOptions,
  RestoreProblems,
  restore,
  restoreImage,
  type SnapshotSource,
} from './restore.js';
export { type RunOptions, run } from './run.js';
export type {
  Frame,
  Local,
  MemoryRange,
  Snapshot,
  SnapshotFrames,
  SnapshotInstance,
  SnapshotMemory,
  SnapshotModule,
  SnapshotTable,
} from './snapshot.js';
export type { Stream } from './started-workload.js';
export {
  createStore,
  defaultStore,
  type Generation,
  type GenerationFiles,
  type ImportOptions,
  openStore,
  type PruneOptions,
  type Removed,
  type Store,
  type StoreCaptureOptions,
  type StoredCapture,
} from './store.js';
export type { ChainOptions } from './stored-snapshot.js';
export { type TriggerOptions, Triggers } from './triggers.js';
export type { FunctionReference, Value } from './value.js';
export { type VerifiedFile, type VerifyOptions, verify } from './verify.js';
export type { AttachedWorkload, Exit, StartedWorkload, Trap, Workload } from './workload.js';
export { listWorkloads, type WorkloadEntry } from './workloads.js';
