/**
 * Captures a running process: stop, read, write, let go.
 *
 *     attach, write modules | stop, read registers, stack, instances, host state, stream pages | let go, fsync, rename
 *                           |<----------------------------- pause ---------------------------->|
 *
 * A process that continues is let go as soon as everything is in the temporary file: it loses nothing when the disk
 * fails after it, and the command fails then. With 256 MiB touched, waiting for the last fsync made the pause 1.30 to
 * 1.46 times a copy's, where the disk is what one waits for. One that is to end (`kill`) ends only when the snapshot is
 * durable. Modules are written before the stop. After any failure, or when the capture is given up, the process
 * continues and no file is left.
 */

import { resolve } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { BugError, InputError, ToolError } from '../base/errors.js';
import { type Destination, isStandardOutput } from '../base/output.js';
import { trace } from '../base/trace.js';
import {
  FLAG_DRIVER,
  RT_FLAGS,
  RT_GENERATION,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_TRAPPED,
} from '../image/contract/runtime-block.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { TH_PHASE, TH_STATE } from '../image/contract/thread.js';
import { AT_NOTHING } from '../image/contract/traps.js';
import type { ImageDescription } from '../image/reader.js';
import type { CaptureReport } from '../snapshot/capture-report.js';
import { HeaderBudget } from '../snapshot/header-budget.js';
import type { PageSink } from '../snapshot/pages.js';
import { FIRST_GUEST, type Snapshot, type SnapshotInstance, type SnapshotModule } from '../snapshot/snapshot.js';
import { traceFrames } from '../snapshot/trace-frames.js';
import { SnapshotWriter } from '../snapshot/writer.js';
import { ExceptionReader } from './exceptions.js';
import { describeUnlinked, limitFileData, MAX_FILE_DATA, writeFileData } from './file-data.js';
import { liftGuestStack } from './guest-stack.js';
import { hashOpenFiles, readHost } from './host-state.js';
import { type InstanceState, limitMemories, readInstance } from './instance-state.js';
import type { LiftedStack } from './lift.js';
import { LiveMemory } from './live-memory.js';
import { readOpenNames } from './open-names.js';
import { touchedBlocks } from './pagemap.js';
import type { ImageProcess } from './process.js';
import { ReferenceTable } from './references.js';
import { stopProcess } from './stop.js';
import type { StoppedProcess } from './stopped-process.js';
import { readTrap } from './trap.js';

export interface CaptureOptions {
  /** Path of the snapshot; an existing file is replaced. */
  readonly output: Destination | string;
  /** End the process once the snapshot is durable. */
  readonly kill?: boolean;
  /** Leave the modules' binaries out: restore then needs them. */
  readonly withoutModules?: boolean;
  /** Record the sha256 of each open regular file: the process stands still for as long as reading them takes. */
  readonly hashFiles?: boolean;
  /** Bytes of open files without a name that the snapshot may have in it; MAX_FILE_DATA if not given. */
  readonly maxFileData?: number;
  /** Milliseconds to wait for a safepoint. */
  readonly timeout?: number;
  /** Gives the capture up: the process continues, and nothing is written. */
  readonly signal?: AbortSignal;
  /** Told of what the user should know. */
  readonly onWarning?: (text: string) => void;
  /** Bytes of linear memory looked at so far, of those that were ever touched. */
  readonly onProgress?: (done: number, total: number) => void;
}

const DEFAULT_TIMEOUT = 10_000;
/** Milliseconds of work between two looks whether the user wants to give up. */
const SETTLE_AFTER = 10;

/**
 * Writes a snapshot of a process, which stays attached.
 *
 * @throws InputError when it is damaged, ToolError when it cannot be captured; the process continues then
 */
export async function captureProcess(process: ImageProcess, options: CaptureOptions): Promise<CaptureReport> {
  return new Capture(process, options, new Cancellation('nothing was written', options.signal)).run();
}

class Capture {
  private readonly start = performance.now();
  private readonly budget = new HeaderBudget();
  private settled = this.start;

  constructor(
    private readonly process: ImageProcess,
    private readonly options: CaptureOptions,
    private readonly cancel: Cancellation,
  ) {}

  async run(): Promise<CaptureReport> {
    const { process, options, cancel } = this;
    const writer = new SnapshotWriter(options.output, options.kill ?? false);
    let stopped: StoppedProcess | undefined;
    try {
      const modules = writeModules(process.image, writer, options.withoutModules ?? false);
      const references = new ReferenceTable(process.image.identity, process.base);
      process.image.sites; // reads and checks the tables now, not while the process stands still
      const timeout = options.timeout ?? DEFAULT_TIMEOUT;
      const { onWarning: warn } = options;
      stopped = await stopProcess(process, {
        timeout,
        checkCancelled: () => cancel.check(),
        ...(warn ? { warn } : {}),
      });
      const read = await this.read(writer, references, modules);
      const bytes = writer.seal(read.snapshot);
      if (!options.kill) await stopped.resume();
      const resumed = performance.now();
      const names = read.lifted.functionRows.map((row) => process.image.functionName(row));
      traceFrames('lift', read.snapshot.frames, names);
      trace('capture', () => `all of pid ${process.pid} is in the temporary file: ${bytes} bytes`);
      await writer.commit();
      trace('capture', () => `${writer.path} is on the disk`);
      const pause = (options.kill ? performance.now() : resumed) - stopped.stopRequested;
      if (options.kill) await stopped.end(isStandardOutput(writer.path) ? '' : resolve(writer.path));
      return this.report(pause, bytes, read, names, writer.path);
    } finally {
      await letGo(stopped);
      writer.abandon();
    }
  }

  /** Lets signals in, where work holds the thread for long. @throws ToolError once the tool was told to end */
  private readonly settle = async (): Promise<void> => {
    if (performance.now() - this.settled < SETTLE_AFTER) return;
    await this.cancel.settle();
    this.settled = performance.now();
  };

  private async read(writer: SnapshotWriter, references: ReferenceTable, modules: SnapshotModule[]) {
    const { process } = this;
    const { memory, runtime, thread, base, image } = process;
    const now = globalThis.process.hrtime.bigint(); // CLOCK_MONOTONIC
    const state = memory.u32(thread + TH_STATE);
    // RUNNING for a moment is one that was about to give up, and has found our claim.
    const stands = state === STATE_PARKED || state === STATE_TRAPPED || state === STATE_RUNNING;
    if (!stands) throw new BugError('capture: the process is not parked');
    const trapped = state === STATE_TRAPPED ? readTrap(process) : undefined;
    const phase = memory.u32(thread + TH_PHASE);
    const guests = image.identity.instances.slice(FIRST_GUEST);
    const driven = (memory.u32(runtime + RT_FLAGS) & FLAG_DRIVER) !== 0; // the phase is an earlier one's then
    // A trap before any code has run (a segment that does not fit) is of no phase yet.
    const early = trapped?.place.place === AT_NOTHING;
    if (driven || (phase < FIRST_GUEST * 2 && !early) || phase >> 1 > guests.length) {
      throw new ToolError('driven', `pid ${process.pid} runs a single function (run --invoke): it cannot be captured`);
    }
    const { budget, settle } = this;
    const exceptions = new ExceptionReader(memory, runtime, base, image.identity, references, budget, settle);
    const { lifted, stackSize } = liftGuestStack(process, trapped?.place, this.budget);
    await translateReferences(lifted, references, exceptions, process.pid);
    const named = readOpenNames(memory, runtime, await readHost(memory, runtime, now, settle));
    const { unlinked, renamed } = named;
    limitFileData(process.pid, unlinked, this.options.maxFileData ?? MAX_FILE_DATA);
    for (const text of named.warnings) this.options.onWarning?.(text);
    const check = () => this.cancel.check();
    const hashed = this.options.hashFiles ? await hashOpenFiles(memory, runtime, named.host, check) : named.host;
    const reader = { memory, base, references, exceptions, budget, settle };
    const states: InstanceState[] = [];
    for (const identity of guests) states.push(await readInstance(reader, identity));
    limitMemories(states);
    trace('capture', () => `streams the pages of ${states.flatMap(({ memories }) => memories).length} memories`);
    const instances = await this.streamInstances(writer.pages, states);
    const host = await writeFileData(process.folder, unlinked, hashed, writer.pages, check);
    const { name } = process;
    const snapshot: Snapshot = {
      ...(name === undefined ? {} : { name }),
      generation: memory.u32(runtime + RT_GENERATION) + 1,
      created: Date.now(),
      parent: undefined,
      source: {
        arch: image.arch,
        compiler: image.identity.compiler,
        deterministic: image.identity.deterministic,
      },
      state: trapped ? 'trapped' : 'running',
      trap: trapped?.trap,
      phase: { instance: Math.max((phase >> 1) - FIRST_GUEST, 0), kind: phase & 1 ? 'entry' : 'start' },
      modules,
      instances,
      frames: lifted.frames,
      ...(exceptions.exceptions.length > 0 ? { exceptions: exceptions.exceptions } : {}),
      host,
    };
    return { snapshot, lifted, stackSize, files: [...renamed, ...unlinked.map(describeUnlinked)] };
  }

  private async streamInstances(sink: PageSink, states: readonly InstanceState[]): Promise<SnapshotInstance[]> {
    const { process, options, cancel } = this;
    const maps = process.maps();
    const pagemap = process.folder.path('pagemap');
    const sources: LiveMemory[][] = [];
    for (const { memories } of states) {
      const own: LiveMemory[] = [];
      for (const memory of memories) {
        const touched = await touchedBlocks(pagemap, memory.address, memory.pages, maps, this.settle);
        own.push(new LiveMemory(process.memory, memory, touched));
      }
      sources.push(own);
    }
    const total = sources.flat().reduce((sum, { size }) => sum + size, 0);
    let done = 0;
    const progress = (bytes: number) => {
      cancel.check();
      done += bytes;
      options.onProgress?.(done, total);
    };
    const instances: SnapshotInstance[] = [];
    for (const [i, state] of states.entries()) {
      const memories = [];
      for (const [k, { pages, maxPages }] of state.memories.entries()) {
        memories.push({ pages, maxPages, ...(await sink.takePages(sources[i][k], progress)) });
      }
      const { globals, tables, droppedData, droppedElements } = state;
      const module = process.image.identity.instances[i + FIRST_GUEST].module - 1; // module 0 is the host layer
      instances.push({ module, globals, tables, memories, droppedData, droppedElements });
    }
    return instances;
  }

  private report(
    pause: number,
    bytes: number,
    read: { snapshot: Snapshot; stackSize: number; files: readonly string[] },
    names: readonly string[],
    file: string,
  ): CaptureReport {
    const { snapshot, stackSize, files } = read;
    const { instances, frames } = snapshot;
    const memories = instances.flatMap((instance) => instance.memories);
    return {
      pid: this.process.pid,
      file,
      bytes,
      pages: memories.reduce((sum, memory) => sum + memory.blocks.length, 0),
      frames: frames.count,
      pause: Math.round(pause * 1000),
      total: Math.round((performance.now() - this.start) * 1000),
      globalsSize: instances.reduce((sum, { globals }) => sum + globals.length * 8, 0),
      memorySize: memories.reduce((sum, { pages }) => sum + pages * WASM_PAGE, 0),
      stackSize,
      files,
      trace: Array.from(frames.siteOf, (site) => {
        const { instance, func } = frames.sites[site];
        return { instance, func, name: names[site] };
      }),
    };
  }
}

/** From native references to those of a snapshot, where the frames have them. */
async function translateReferences(
  { frames, referenceWords, exceptionWords }: LiftedStack,
  references: ReferenceTable,
  exceptions: ExceptionReader,
  pid: number,
): Promise<void> {
  for (const at of referenceWords) references.translate(frames.words, at, `pid ${pid}: a frame`);
  for (const at of exceptionWords) await exceptions.translate(frames.words, at, `pid ${pid}: a frame`);
}

/** The guests' modules; the host layer, module 0, is left out. */
function writeModules(image: ImageDescription, writer: SnapshotWriter, without: boolean): SnapshotModule[] {
  const { modules } = image.identity;
  if (modules.findIndex(({ host }) => host) !== 0 || modules.filter(({ host }) => host).length !== 1) {
    throw new InputError('damaged-image', 'damaged image: the host layer is not its first module');
  }
  return modules.slice(1).map(({ name, sha256, size }, i) => {
    const bytes = without ? undefined : image.moduleBytes(i + 1);
    return { name, sha256, size, fileOffset: bytes && writer.addModule(bytes) };
  });
}

/** In a finally: must not hide the error that led there. */
async function letGo(stopped: StoppedProcess | undefined): Promise<void> {
  try {
    await stopped?.resume();
  } catch {
    // It has ended meanwhile.
  }
}
