/**
 * Makes an image that continues a stored snapshot: check, lower, write.
 *
 *     snapshot --module, sha256--> fresh image (RestoreOptions.images)
 *              --frames--> lower.ts      stack, registers
 *              --instances--> instance-data.ts   DATA, memories, tables
 *              --host--> host-state.ts   descriptors
 *                         all --> plan.ts --> resumable image
 *
 * The image is either self-contained, with the pages copied into its file, or small, with the pages mapped from the
 * snapshot's file, which the process inherits. So restoring a gigabyte need not read a gigabyte. Starts nothing. A
 * snapshot is hostile input: any fault in it becomes an InputError or LimitError.
 */

import { resolve } from 'node:path';
import type { Target } from '../arch/masm/target.js';
import { BugError, InputError, LimitError } from '../base/errors.js';
import { type Destination, streamOutput } from '../base/output.js';
import { trace } from '../base/trace.js';
import { RT_GENERATION, RT_RESTORED_EXCEPTIONS, RT_RESTORED_EXCEPTIONS_SIZE } from '../image/contract/runtime-block.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { PHASE_CALL } from '../image/contract/thread.js';
import type { ImageSource } from '../image/image-source.js';
import type { ImageDescription } from '../image/reader.js';
import { ResumableImage } from '../image/resumable.js';
import type { InstanceIdentity } from '../image/tables/identity.js';
import { putName } from '../image/workload-name.js';
import { ChainFiles } from '../snapshot/chain-files.js';
import { checkContents } from '../snapshot/file-contents.js';
import { PageFile } from '../snapshot/page-file.js';
import { FIRST_GUEST, type Snapshot, type StoredSnapshot } from '../snapshot/snapshot.js';
import { traceFrames } from '../snapshot/trace-frames.js';
import { defineMissing } from '../wasm/missing.js';
import { ExternKind, type Module } from '../wasm/module.js';
import { planCall } from './call.js';
import { type Grants, grantDescriptors, RestoreProblems } from './grants.js';
import { Ground, imageRequest, moduleBytes } from './ground.js';
import { capturedIn, hookFunction, withHook } from './hook.js';
import { encodeHostState } from './host-state.js';
import { putInstances } from './instance-data.js';
import type { LazyLayout } from './lazy-layout.js';
import { type LoweredStack, lowerStack } from './lower.js';
import { MappedPages } from './mapped-pages.js';
import { choosePieces } from './pieces.js';
import { placeData } from './place-pages.js';
import { type PlacedExceptions, placeExceptions } from './placed-exceptions.js';
import { References } from './placed-references.js';
import { EXCEPTIONS_START, encodePlan, type FurtherFile, type SourceFile } from './plan.js';

/** Permissions of an executable that holds a program's memory: for its owner only. */
const MODE = 0o700;
/** A capture adds one. */
const MAX_GENERATION = 0xfffffffe;
/** The environment variable with the generation. A program that was started afresh does not have it. */
const GENERATION_VARIABLE = 'WAG_SNAP_GENERATION=';

/** A snapshot's files, unpacked by another thread. */
export interface Unpacking {
  /** The first descriptor on which the process inherits the files; undefined: the pages are copied into the output. */
  readonly sourceFd: number | undefined;
  /** @returns the snapshot in its unpacked files; undefined when they are not unpacked. @throws InputError, ToolError */
  finish(): Promise<StoredSnapshot | undefined>;
}

export interface RestoreOptions extends Grants {
  readonly target: Target;
  /** The path to write to. */
  readonly output: Destination | string;
  /** The workload's new name, checked; undefined: its captured name. */
  readonly name?: string | undefined;
  /** The descriptor on which the process inherits the snapshot's file; those after it are for its ancestors' files. */
  readonly sourceFd?: number;
  /** What unpacks a packed snapshot beside the compilation. What it has not begun is unpacked here. */
  readonly unpacking?: Unpacking | undefined;
  /** Pages that come while the process runs: it maps the file that they come to, on `sourceFd`. */
  readonly lazy?: { readonly files: ChainFiles; readonly layout: LazyLayout } | undefined;
  /** The snapshot's files, if they are open already. They stay open. */
  readonly files?: ChainFiles | undefined;
  /**
   * Instead of a descriptor: the absolute path at which the process opens the file. With neither, the pages are copied
   * into the output.
   */
  readonly sourcePath?: string | undefined;
  /** Modules that the snapshot does not carry, in any order: they are matched by sha256. */
  readonly modules?: readonly Uint8Array[] | undefined;
  /**
   * Limits of the process's memories and stack in bytes (WAGSNAP_MAX_*). A snapshot that exceeds them is refused.
   */
  readonly maxMemory?: number | undefined;
  readonly maxStack?: number | undefined;
  /** The source of the module's fresh image. */
  readonly images: ImageSource;
  /** Instead of `modules` and `images`, what is open already. */
  readonly ground?: Ground | undefined;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws InputError, LimitError, ToolError */
export async function restoreSnapshot(stored: StoredSnapshot, options: RestoreOptions): Promise<void> {
  checkRestorable(stored);
  if (options.ground !== undefined) {
    options.ground.checkOf(stored);
    return writeResumable(stored, options.ground.image, options.ground.modules, options);
  }
  const files = options.lazy?.files ?? new ChainFiles(stored);
  let ground: Ground | undefined;
  try {
    files.openAll(); // the compilation takes long, and somebody may remove them meanwhile
    const all = moduleBytes(stored, options.modules ?? []);
    ground = Ground.open(stored, all, await options.images(imageRequest(stored, all, options.target)));
    await writeResumable(stored, ground.image, ground.modules, { ...options, files });
  } finally {
    ground?.close();
    if (options.lazy === undefined) files.close();
  }
}

/**
 * Lowers a snapshot onto a fresh image of its module and writes the result.
 *
 * @param modules the decoded module of each instance
 */
export async function writeResumable(
  stored: StoredSnapshot,
  image: ImageDescription,
  modules: readonly Module[],
  options: Omit<RestoreOptions, 'modules' | 'images' | 'ground'>,
): Promise<void> {
  checkNotTrapped(stored.snapshot, stored.path);
  const instanceCount = stored.snapshot.instances.length;
  if (image.identity.instances.length !== instanceCount + FIRST_GUEST) {
    throw new InputError('snapshot', `snapshot: it has ${instanceCount} instances, its module has another number`);
  }
  const linked = modules.map((module, i) => asLinked(module, image.identity.instances[i + FIRST_GUEST]));
  const snapshot = withHook(stored.snapshot, hookFunction(linked, image.identity));
  const { host, phase } = snapshot;
  const references = new References(image.identity);
  const resumable = new ResumableImage(image);
  const exceptions = putExceptions(snapshot, linked, references, resumable);
  trace('restore', () => `the module is the snapshot's: lowers ${snapshot.frames.count} frames`);
  traceFrames('lower', snapshot.frames);
  const call = planCall(snapshot, linked, references);
  const stack = lowerStack(snapshot, image, linked, references, options.target);
  trace('lower', () => `${stack.bytes.length} bytes of stack for ${options.target.name}`);
  checkLimits(snapshot, stack, options);
  const { memories, tables } = putInstances(snapshot, linked, references, resumable.data);
  const generation = Math.min(snapshot.generation, MAX_GENERATION);
  resumable.data.u32(resumable.data.start + RT_GENERATION, generation);
  putName(resumable.data, options.name ?? snapshot.name);
  const { descriptors, problems } = grantDescriptors(host.descriptors, options);
  if (problems.length > 0) throw new RestoreProblems(stored.path, problems);
  const { sourcePath, lazy, unpacking } = options;
  const unpacked = await unpacking?.finish();
  const places = unpacked ?? stored;
  const sourceFd = unpacked === undefined ? options.sourceFd : unpacking?.sourceFd;
  const isSelfContained = sourceFd === undefined && sourcePath === undefined;
  const open = lazy?.files ?? (unpacked === undefined ? options.files : undefined);
  const files = open ?? new ChainFiles(places);
  try {
    await checkContents(files.own, descriptors);
    const fill = async (fd: number, path: string) => {
      resumable.begin(fd);
      const own = new PageFile(fd, resumable.extentsStart, path);
      const sink = isSelfContained ? own : (lazy?.layout ?? new MappedPages());
      trace('restore', () => (isSelfContained ? 'copies the pages' : 'maps the pages from the snapshot'));
      const placed = await placeData(files, snapshot, descriptors, sink, options.onProgress);
      const isChain = snapshot.ancestors !== undefined && !isSelfContained && lazy === undefined;
      const pieces = isChain ? choosePieces(placed.extents) : [];
      const plan = encodePlan(
        {
          exceptions,
          memories: memories.map((memory, i) => ({
            ...memory,
            extents: isChain ? [] : placed.extents[i],
            pieces: pieces[i],
          })),
          tables,
          stack,
          hostState: encodeHostState(descriptors, host.embedder),
          args: host.args,
          env: restoredEnvironment(host.env, generation),
          sourceFd: sourceFd ?? -1,
          source: sourcePath === undefined ? undefined : sourceFile(stored, sourcePath),
          furtherFiles: isChain ? furtherFiles(places, sourceFd) : [],
          monotonic: host.monotonic,
          pendingTimeout: host.pendingTimeout,
          suspended: host.suspended,
          captured: capturedIn(snapshot, linked),
          files: placed.files,
          listings: descriptors.flatMap(({ fd, listed }) => (listed === undefined ? [] : [{ fd, listed }])),
          phase:
            phase.kind === 'call'
              ? PHASE_CALL >>> 0
              : (phase.instance + FIRST_GUEST) * 2 + Number(phase.kind === 'entry'),
          call,
        },
        resumable.planStart,
      );
      resumable.finish(fd, plan, own.end - resumable.extentsStart);
      trace('restore', () => `the image that continues is complete, its plan has ${plan.bytes.length} bytes`);
    };
    await streamOutput(options.output, fill, MODE);
  } finally {
    if (open === undefined) files.close();
  }
}

/** @param sourceFd the snapshot's own descriptor, if it has one; those of ancestors follow */
function furtherFiles({ ancestors = [] }: StoredSnapshot, sourceFd: number | undefined): FurtherFile[] {
  return ancestors.map(({ path, prologue }, i) => {
    return { path: resolve(path), prologue, fd: sourceFd === undefined ? -1 : sourceFd + 1 + i };
  });
}

function sourceFile({ prologue }: StoredSnapshot, path: string): SourceFile {
  if (prologue === undefined) throw new BugError('restore: a snapshot of no file');
  return { path, prologue };
}

/** Undefined when there are no exceptions. */
function putExceptions(
  { exceptions }: Snapshot,
  modules: readonly Module[],
  references: References,
  { data, planStart }: ResumableImage,
): PlacedExceptions | undefined {
  if (exceptions === undefined) return undefined;
  const placed = placeExceptions(exceptions, modules, references, planStart + EXCEPTIONS_START);
  data.pointer(data.start + RT_RESTORED_EXCEPTIONS, planStart + EXCEPTIONS_START);
  data.u64(data.start + RT_RESTORED_EXCEPTIONS_SIZE, placed.bytes.length);
  return placed;
}

/** Refuses a trapped program: a trap is the end of a computation. @throws InputError */
export function checkNotTrapped({ state, trap }: Snapshot, path: string): void {
  if (state !== 'trapped') return;
  throw new InputError(
    'trapped',
    `${path}: the program has trapped (${trap?.message}), which cannot be undone: there is nothing to continue with; ` +
      `look at it with wag-snap inspect ${path}, or make a coredump of it: wag-snap coredump ${path}`,
  );
}

function checkRestorable({ snapshot, path, ancestors }: StoredSnapshot): void {
  checkNotTrapped(snapshot, path);
  if (snapshot.parent !== undefined && snapshot.ancestors === undefined) {
    throw new InputError(
      'snapshot',
      `${path}: it is a difference to another snapshot, but does not say which pages it contains`,
    );
  }
  if (snapshot.ancestors?.length && ancestors === undefined) {
    throw new InputError('no-parent', `${path}: it is a difference to other snapshots, which were not given`);
  }
  const { modules, instances } = snapshot;
  if (instances.length !== modules.length || instances.some(({ module }, i) => module !== i)) {
    throw new InputError('snapshot', 'snapshot: its instances are not one of each module, in their order');
  }
}

function checkLimits(
  { instances }: Snapshot,
  stack: LoweredStack,
  { maxMemory = Infinity, maxStack = Infinity }: Pick<RestoreOptions, 'maxMemory' | 'maxStack'>,
): void {
  const memory = instances.flatMap(({ memories }) => memories).reduce((sum, { pages }) => sum + pages * WASM_PAGE, 0);
  const check = (option: string, what: string, has: number, may: number) => {
    if (has <= may) return;
    throw new LimitError('limit', `--${option}: the program has ${has} bytes of ${what}, ${may} are allowed`);
  };
  check('max-memory', 'memory', memory, maxMemory);
  check('max-stack', 'stack in use', stack.bytes.length, maxStack);
}

/** The program's variables, without those that configure an image, and with its present generation. */
function restoredEnvironment(env: readonly Uint8Array[], generation: number): Uint8Array[] {
  const kept = env.filter((variable) => {
    const text = Buffer.from(variable).toString('latin1');
    return !text.startsWith('WAGSNAP_') && !text.startsWith(GENERATION_VARIABLE);
  });
  return [...kept, Buffer.from(`${GENERATION_VARIABLE}${generation}`)];
}

/**
 * The module as the image has it, where imports that nothing provides are its own. Provided imports come first, so
 * their counts suffice.
 */
function asLinked(module: Module, { tables, memories, globals, tags, name }: InstanceIdentity): Module {
  const provided = new Map([
    [ExternKind.Table, tables.imported],
    [ExternKind.Memory, memories.imported],
    [ExternKind.Global, globals.imported],
    [ExternKind.Tag, tags?.imported ?? 0],
  ]);
  return defineMissing(module, name, ({ kind }) => {
    const left = provided.get(kind) ?? 0;
    provided.set(kind, left - 1);
    return left > 0;
  });
}
