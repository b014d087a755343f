/**
 * Captures a running process: stop, read, write, let go.
 *
 *     attach, write modules, | stop, read registers, stack, instances, host state,   | let go, write those pages, lift,
 *     copy pages             | hold the pages that it has written meanwhile          | digest pages, write the header,
 *                            |                                                       | fsync, rename
 *                            |<---------------------- pause ----------------------->|
 *
 * Pages are copied while the process runs if it can track its writes (pre-copy.ts), else while it stands still. A
 * process that is to continue is let go as soon as all of it has been read. If the disk fails later, the command fails,
 * but the process has lost nothing. With 256 MiB touched, waiting for the last fsync made the pause 1.30 to 1.46 times
 * as long as a copy on a slow disk. A process that is to end (`kill`) ends only when the snapshot is durable. Modules
 * are written before the stop. After any failure, or when the capture is cancelled, the process continues and no file
 * is left.
 */

import { resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { BugError, ToolError } from '../base/errors.js';
import { isStandardOutput } from '../base/output.js';
import { trace } from '../base/trace.js';
import {
  FLAG_DRIVER,
  RT_FLAGS,
  RT_GENERATION,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_TRAPPED,
} from '../image/contract/runtime-block.js';
import { PHASE_CALL, PHASE_HOOK, TH_PHASE, TH_STATE, TH_SUSPENDED_PHASE } from '../image/contract/thread.js';
import { AT_NOTHING } from '../image/contract/traps.js';
import type { ImageDescription } from '../image/reader.js';
import type { CaptureReport } from '../snapshot/capture-report.js';
import { Difference } from '../snapshot/difference.js';
import { HeaderBudget } from '../snapshot/header-budget.js';
import type { LivePageSink, PageSink, PlacedPages } from '../snapshot/pages.js';
import {
  FIRST_GUEST,
  type Snapshot,
  type SnapshotInstance,
  type SnapshotModule,
  type StoredSnapshot,
} from '../snapshot/snapshot.js';
import { traceFrames } from '../snapshot/trace-frames.js';
import { SnapshotWriter } from '../snapshot/writer.js';
import { awaitPages } from './arriving-pages.js';
import { readCall } from './call.js';
import type { CaptureOptions } from './capture-options.js';
import type { WrittenSnapshot } from './capture-settings.js';
import { describeUnlinked, limitFileData, MAX_FILE_DATA, writeFileData } from './file-data.js';
import { readGuestStack } from './guest-stack.js';
import { hashOpenFiles } from './host-state.js';
import { type InstanceState, limitMemories, type NativeMemory } from './instance-state.js';
import type { LiftedStack } from './lift.js';
import { ExceptionReader } from './live-exceptions.js';
import { LiveMemory } from './live-memory.js';
import { touchedBlocks } from './pagemap.js';
import { PreCopy } from './pre-copy.js';
import type { ImageProcess } from './process.js';
import { readState, rehearse } from './process-state.js';
import { ReferenceTable } from './reference-table.js';
import { type ReadProcess, reportCapture } from './report-capture.js';
import { stopProcess } from './stop.js';
import type { StoppedProcess } from './stopped-process.js';
import { readTrap } from './trap.js';
import { writeModules } from './write-modules.js';

/** A sink for processes whose memories are left out. */
const NO_PAGES: Pick<PageSink, 'takePages'> = {
  takePages: async () => ({ extents: [], blocks: new Uint16Array(0) }),
};

const DEFAULT_TIMEOUT = 10_000;
const PAUSE_BUDGET = 20;
/** How often to check whether the user wants to give up, in milliseconds of work. */
const SETTLE_AFTER = 10;

/**
 * Writes a snapshot of a process, which stays attached.
 *
 * @throws InputError when the process is damaged, ToolError when it cannot be captured; after each of them it continues
 */
export async function captureProcess(process: ImageProcess, options: CaptureOptions): Promise<CaptureReport> {
  return new Capture(process, options, new Cancellation('nothing was written', options.signal)).run();
}

class Capture {
  private readonly start = performance.now();
  private readonly budget = new HeaderBudget();
  private settled = this.start;
  /** What was copied before the stop; undefined when everything is copied while the process stands still. */
  private copy: PreCopy | undefined;

  constructor(
    private readonly process: ImageProcess,
    private readonly options: CaptureOptions,
    private readonly cancel: Cancellation,
  ) {}

  async run(): Promise<CaptureReport> {
    const { process, options, cancel } = this;
    const difference = startDifference(process.image, options.parent);
    const writer = new SnapshotWriter(options.output, {
      ...options.form,
      earlyWriteback: options.kill ?? false,
      send: options.taker?.send,
      expected: options.form?.packing === undefined ? 0 : process.folder.residentBytes(),
      check: () => cancel.check(),
    });
    const sink = difference?.sink(writer.pages) ?? writer.pages;
    let stopped: StoppedProcess | undefined;
    try {
      const modules = writeModules(process.image, writer, options.withoutModules ?? false, difference);
      const references = new ReferenceTable(process.image.identity, process.base);
      process.image.sites; // reads and checks the tables now, not while the process stands still
      const timeout = options.timeout ?? DEFAULT_TIMEOUT;
      if (!options.withoutPages && process.tryMemory()) await awaitPages(process, this.settleNow);
      this.copy = await this.beginCopying(sink);
      const { copy } = this;
      if (copy) await rehearse(process, references, this.settle);
      await copy?.run();
      await options.taker?.mayStop?.();
      const { onWarning: warn } = options;
      stopped = await stopProcess(process, {
        timeout,
        checkCancelled: () => cancel.check(),
        ...(warn ? { warn } : {}),
      });
      if (!options.withoutPages) await awaitPages(process, this.settleNow); // they come while it stands still, too
      const finish = await this.read(writer, sink, references, copy);
      if (!options.kill && !options.taker) await stopped.resume();
      const resumed = performance.now();
      const read = await finish(modules, difference);
      const bytes = await writer.seal(read.snapshot, options.taker === undefined);
      const names = read.lifted.functionRows.map((row) => process.image.functionName(row));
      traceFrames('lift', read.snapshot.frames, names);
      trace('capture', () => `all of pid ${process.pid} is in the temporary file: ${bytes} bytes`);
      let found = isStandardOutput(writer.path) ? '' : resolve(writer.path);
      if (options.taker) {
        await options.taker.take(stopped, writer.unsent(bytes), copy?.left);
        await stopped.resume();
      } else {
        await writer.commit();
        trace('capture', () => `${writer.path} is on the disk`);
        if (options.onDurable) found = await options.onDurable(written(read.snapshot, options.parent));
        if (!options.kill) await copy?.keep(writer.digest);
      }
      const pause = (options.kill ? performance.now() : resumed) - stopped.stopRequested;
      if (options.kill) {
        await stopped.end(found, options.silent);
        this.copy = undefined; // nothing is left to clean up
      }
      const times = { pause, total: performance.now() - this.start };
      return reportCapture(process.pid, writer.path, bytes, times, read, names, copy?.report);
    } finally {
      await letGo(stopped);
      await this.copy?.release();
      writer.abandon();
      difference?.close();
    }
  }

  /** Lets pending events in during work that holds the thread. @throws ToolError once the capture is cancelled */
  private readonly settle = async (): Promise<void> => {
    if (performance.now() - this.settled < SETTLE_AFTER) return;
    await this.cancel.settle();
    this.settled = performance.now();
  };

  private readonly settleNow = (): Promise<void> => this.cancel.settle();

  /**
   * Reads all of the process that a snapshot needs.
   *
   * @returns a function that completes the snapshot, for which the process need not stand still any more
   */
  private async read(
    writer: SnapshotWriter,
    sink: LivePageSink,
    references: ReferenceTable,
    copy: PreCopy | undefined,
  ): Promise<(modules: SnapshotModule[], difference: Difference | undefined) => Promise<ReadProcess>> {
    const { process } = this;
    const { memory, runtime, thread, base, image } = process;
    const state = memory.u32(thread + TH_STATE);
    // RUNNING, for a moment, is a process that was about to give up but has seen our claim.
    const stands = state === STATE_PARKED || state === STATE_TRAPPED || state === STATE_RUNNING;
    if (!stands) throw new BugError('capture: the process is not parked');
    const trapped = state === STATE_TRAPPED ? readTrap(process) : undefined;
    const inHook = memory.u32(thread + TH_PHASE) === PHASE_HOOK >>> 0;
    const phase = memory.u32(thread + (inHook ? TH_SUSPENDED_PHASE : TH_PHASE));
    const guests = image.identity.instances.slice(FIRST_GUEST);
    const driven = (memory.u32(runtime + RT_FLAGS) & FLAG_DRIVER) !== 0;
    const call = driven ? readCall(process, references) : undefined;
    const isCalled = call !== undefined && phase === PHASE_CALL >>> 0;
    // A trap before any code has run (an active segment that does not fit) belongs to no phase yet.
    const early = trapped?.place.place === AT_NOTHING;
    const isKnown = isCalled || ((phase >= FIRST_GUEST * 2 || early) && phase >>> 1 <= guests.length);
    if ((driven && call === undefined) || !isKnown) {
      throw new ToolError('driven', `pid ${process.pid} runs a single function (run --invoke): it cannot be captured`);
    }
    const { budget, settle } = this;
    const exceptions = new ExceptionReader(memory, runtime, base, image.identity, references, budget, settle);
    const stack = readGuestStack(process, trapped?.place, this.budget);
    const liftNow = async () => {
      const lifted = stack.lift();
      await translateReferences(lifted, references, exceptions, process.pid);
      return lifted;
    };
    // Exceptions that frames refer to are still in the process: read them now.
    const liftedEarly = exceptions.mayExist ? await liftNow() : undefined;
    const { named, states } = await readState(process, exceptions, references, budget, settle);
    const { unlinked, renamed } = named;
    limitFileData(process.pid, unlinked, this.options.maxFileData ?? MAX_FILE_DATA);
    for (const text of named.warnings) this.options.onWarning?.(text);
    const check = () => this.cancel.check();
    const hashed = this.options.hashFiles ? await hashOpenFiles(memory, runtime, named.host, check) : named.host;
    limitMemories(states);
    trace('capture', () => `streams the pages of ${states.flatMap(({ memories }) => memories).length} memories`);
    const placed = await this.takeMemories(this.options.withoutPages ? NO_PAGES : sink, states, copy);
    const host = await writeFileData(process.folder, unlinked, hashed, writer.pages, check);
    const generation = memory.u32(runtime + RT_GENERATION) + 1;
    return async (modules, difference) => {
      await copy?.writeHeld();
      const { name } = process;
      const lifted = liftedEarly ?? (await liftNow());
      const instances = this.instances(states, placed());
      const snapshot: Snapshot = {
        ...(name === undefined ? {} : { name }),
        generation,
        created: Date.now(),
        parent: undefined,
        source: {
          arch: image.arch,
          compiler: image.identity.compiler,
          deterministic: image.identity.deterministic,
        },
        state: trapped ? 'trapped' : 'running',
        trap: trapped?.trap,
        phase: isCalled
          ? { instance: call.instance, kind: 'call' }
          : { instance: Math.max((phase >>> 1) - FIRST_GUEST, 0), kind: phase & 1 ? 'entry' : 'start' },
        ...(call === undefined ? {} : { call }),
        modules,
        instances,
        ...difference?.lineage(instances, modules),
        frames: lifted.frames,
        ...(exceptions.exceptions.length > 0 ? { exceptions: exceptions.exceptions } : {}),
        host,
      };
      const { stackSize } = stack;
      return { snapshot, lifted, stackSize, files: [...renamed, ...unlinked.map(describeUnlinked)] };
    };
  }

  private async beginCopying(sink: LivePageSink): Promise<PreCopy | undefined> {
    const { process, options, settle } = this;
    if (options.tracking === 'none' || options.withoutPages) return undefined;
    await process.prepareSignals((text) => options.onWarning?.(text));
    return PreCopy.begin(process, sink, {
      pauseBudget: options.pauseBudget ?? PAUSE_BUDGET,
      parent: options.parent?.digest,
      way: options.tracking,
      settle,
      onTotal: (bytes) => {
        this.total = bytes;
      },
      onBytes: (bytes) => this.progress(bytes),
      deadline: options.deadline,
      lazy: options.lazy,
      hotBytes: options.hotBytes,
      onBegin: (bytes) => options.taker?.expect?.(bytes),
      ...(options.taker ? { onRound: async () => options.taker?.round() } : {}),
      mayStop: async () => (await options.taker?.mayStop?.()) ?? true,
      onLeft: (bytes, pause) => options.taker?.left?.(bytes, pause),
      isBusy: options.taker?.isBusy?.bind(options.taker),
      fixedPause: options.taker?.fixedPause?.bind(options.taker),
      leastPause: options.taker?.leastPause?.bind(options.taker),
    });
  }

  /** @returns the places of each memory's pages */
  private async takeMemories(
    sink: Pick<PageSink, 'takePages'>,
    states: readonly InstanceState[],
    copy: PreCopy | undefined,
  ): Promise<() => PlacedPages[]> {
    const memories = states.flatMap(({ memories }) => memories);
    if (copy) {
      await copy.finish(memories);
      return () => copy.placed();
    }
    const placed = await this.streamMemories(sink, memories);
    return () => placed;
  }

  private instances(states: readonly InstanceState[], placed: readonly PlacedPages[]): SnapshotInstance[] {
    let next = 0;
    return states.map(({ globals, tables, memories, droppedData, droppedElements }, i) => {
      const module = this.process.image.identity.instances[i + FIRST_GUEST].module - 1; // module 0 is the host layer
      const stored = memories.map(({ address: _, ...size }) => ({ ...size, ...placed[next++] }));
      return { module, globals, tables, memories: stored, droppedData, droppedElements };
    });
  }

  private async streamMemories(
    sink: Pick<PageSink, 'takePages'>,
    memories: readonly NativeMemory[],
  ): Promise<PlacedPages[]> {
    const { process } = this;
    const maps = process.maps();
    const pagemap = process.folder.path('pagemap');
    const sources: LiveMemory[] = [];
    for (const memory of memories) {
      const touched = await touchedBlocks(pagemap, memory.address, memory.pages, maps, this.settle);
      sources.push(new LiveMemory(process.memory, memory, touched));
    }
    this.total = sources.reduce((sum, { size }) => sum + size, 0);
    this.options.taker?.expect?.(this.total);
    const placed: PlacedPages[] = [];
    for (const source of sources) placed.push(await sink.takePages(source, (bytes) => this.progress(bytes)));
    return placed;
  }

  private done = 0;
  private total = 0;

  private progress(bytes: number): void {
    this.cancel.check();
    this.done += bytes;
    this.options.onProgress?.(Math.min(this.done, this.total), this.total);
  }
}

/** Translates the native references in frames to those of a snapshot. */
async function translateReferences(
  { frames, referenceWords, exceptionWords }: LiftedStack,
  references: ReferenceTable,
  exceptions: ExceptionReader,
  pid: number,
): Promise<void> {
  for (const at of referenceWords) references.translate(frames.words, at, `pid ${pid}: a frame`);
  for (const at of exceptionWords) await exceptions.translate(frames.words, at, `pid ${pid}: a frame`);
}

function startDifference({ identity }: ImageDescription, parent: StoredSnapshot | undefined): Difference | undefined {
  if (parent === undefined) return undefined;
  const guests = identity.modules.filter(({ host }) => !host);
  return new Difference(
    parent,
    guests.map(({ sha256 }) => sha256),
  );
}

function written({ created, modules, ancestors = [] }: Snapshot, parent: StoredSnapshot | undefined): WrittenSnapshot {
  const paths = new Map([[parent?.digest, parent?.path]]);
  for (const [i, { digest }] of (parent?.snapshot.ancestors ?? []).entries()) {
    paths.set(digest, parent?.ancestors?.[i].path);
  }
  const { sha256: module } = modules[modules.length - 1];
  return { created: new Date(created), module, ancestors: ancestors.map(({ digest }) => paths.get(digest) ?? '') };
}

/** Called in a finally: must not hide the original error. */
async function letGo(stopped: StoppedProcess | undefined): Promise<void> {
  try {
    await stopped?.resume();
  } catch {
    // The process has ended meanwhile.
  }
}
