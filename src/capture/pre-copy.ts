/**
 * Copies a process's memories while it runs, in rounds, until little is left. Only the rest is copied while the process
 * stands still.
 *
 *     begin                protect all of it, a slice at a time
 *     rounds, it runs      copy what was ever touched | find what was written meanwhile, copy that | ...
 *     finish, it stands    find what was written since; hold a copy of it, and of what is left
 *     writeHeld, it runs   write what was held
 *
 * A process that has tracked its pages since the parent was captured (keep()) begins with what it has written since.
 *
 * Rounds end when little is left, or when it does not become smaller: then the program writes as fast as it is copied.
 * They do not end just because what is left can be copied within the pause budget, unless that is much: further rounds
 * take a few milliseconds, and make the pause as short as it can be, however much memory there is. A page that is read while it is
 * being written may be torn; but then it is found to be written, and copied once more.
 *
 * In a lazy move no round is needed: the process is watched for a moment, and what it has written is copied while it
 * stands still. The rest has a place in the file, and stays where it is (left-pages.ts).
 *
 * Where there are few processors, and the process runs, one thread does it all: the program needs a processor, too.
 */

import { availableParallelism } from 'node:os';
import { BugError, LimitError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import type { TrackingReport } from '../snapshot/capture-report.js';
import { BLOCK } from '../snapshot/page-blocks.js';
import type { ChangingPages, LazyChangingPages, LivePageSink, PlacedPages } from '../snapshot/pages.js';
import { bringAbsent } from './absent-pages.js';
import { countBlocks, HeldPages } from './held-pages.js';
import type { NativeMemory } from './instance-state.js';
import { LeftPages, takeHot } from './left-pages.js';
import { LiveMemory } from './live-memory.js';
import { touchedBlocks } from './pagemap.js';
import { sleep } from './pauses.js';
import type { PreCopyOptions } from './pre-copy-options.js';
import type { ImageProcess } from './process.js';
import { memoriesOf } from './used-memory.js';
import { runs, TrackingLost, WrittenPages } from './written-pages.js';

/** Below this size, in bytes of all memories, a copy while standing still is as fast. */
const WORTHWHILE = 1 << 20;
/** The part of a capture's pause that is not for pages, in milliseconds: reaching a safepoint, frames, descriptors. */
const FIXED_PAUSE = 4;
/** The factor by which a round has to shrink the rest. */
const SHRINKING = 0.7;
/**
 * Rounds to another host in succession that do not shrink it: the first one takes longer than the next, as both sides do
 * everything for the first time, and a link is now and then slow.
 */
const STUCK_MAX = 2;
const ROUNDS_MAX = 30;
/** Bytes that a pause does not become shorter by. */
const LITTLE = 128 << 10;
/** How long to wait for another round of little, in milliseconds. */
const CALM = 100;
/** Bytes that are held in a buffer and written later, at most; more is written while it is read. */
const HOLD_MAX = 32 << 20;
/** For how long a process is watched to find out which pages it writes, in milliseconds. */
const HOT_TIME = 50;
/** Bytes of those pages, at most. */
const HOT_MAX = 4 << 20;
/** Processors that the tool and the program need so that neither takes one from the other. */
const ENOUGH_PROCESSORS = 4;

interface CopiedMemory {
  native: NativeMemory;
  readonly pages: ChangingPages;
  /** Blocks whose copies in the file are missing or outdated. */
  rest: Uint16Array;
  /** For each page: the number of the scan that has found it written last. */
  ages: Uint16Array;
}

const NOTHING_LEFT = { rest: new Uint16Array(0), ages: new Uint16Array(0) };

export class PreCopy {
  /** What has a place in the file, but is to be sent later: of a lazy move, after finish(). */
  left: LeftPages | undefined;
  /** Whether finish() leaves pages. */
  private isLazy = false;
  private scans = 0;
  private readonly rounds: number[] = [];
  private written = 0;
  /** Bytes written since the parent was captured; undefined: not known, so all is compared. */
  private since: number | undefined;
  private rest = 0;
  /** Bytes per millisecond, of the last round that had any; 0: there was none. */
  private rate = 0;
  private lost = false;
  /** Rounds in succession that have not made the rest smaller. */
  private stuck = 0;
  private isKept = false;
  /** What was copied while the process stood still, to be written once it was let go. */
  private held: { readonly pages: ChangingPages; readonly copy: HeldPages }[] = [];
  /** For copies that are held; used again and again, so the kernel has its pages by the time of the pause. */
  private room = Buffer.alloc(0);
  private readonly start = performance.now();

  private constructor(
    private readonly process: ImageProcess,
    private readonly pages: WrittenPages,
    private readonly memories: readonly CopiedMemory[],
    private readonly options: PreCopyOptions,
    /** Whether the first scan tells what was written since the parent was captured. */
    private readonly isContinued: boolean,
  ) {}

  /**
   * @returns undefined when there is little to copy, or writes cannot be tracked: the process is then captured standing
   * still
   */
  static async begin(process: ImageProcess, sink: LivePageSink, options: PreCopyOptions): Promise<PreCopy | undefined> {
    if (!process.tryMemory() || !(await runs(process))) return undefined;
    const memories = memoriesOf(process);
    if (options.way === undefined && sizeOf(memories) < WORTHWHILE) return undefined;
    const session = await WrittenPages.begin(process, options.way);
    if (session === undefined) return undefined;
    const copied = memories.map((native) => ({ native, pages: sink.openMemory(), ...NOTHING_LEFT }));
    const since = session.since && Buffer.from(session.since).toString('hex');
    trace('track', () => `pid ${process.pid} has tracked its pages since ${since ?? 'no snapshot'}`);
    return new PreCopy(process, session.written, copied, options, since !== undefined && since === options.parent);
  }

  get report(): TrackingReport {
    const { since = null, rounds, rest, pages } = this;
    const written = this.lost ? null : this.written;
    return { way: pages.way, since, rounds, written, rest, slice: Math.round(pages.longestSlice / 1000) };
  }

  /** Copies while the process runs. @throws ToolError when it ends */
  async run(): Promise<void> {
    try {
      await this.protectAll();
      if (this.options.lazy) {
        this.isLazy = true;
        await sleep(HOT_TIME);
        return await this.findWritten();
      }
      let copied = await this.copyRest();
      for (let hasWaited = false; ; ) {
        await this.findWritten();
        const left = this.bytesLeft();
        const needed = this.fixedPause + (this.rate === 0 ? 0 : left / this.rate);
        trace('track', () => `${left} bytes were written meanwhile: a pause of about ${needed.toFixed(1)} ms`);
        if (!hasWaited) this.options.onLeft?.(left, needed);
        if (!hasWaited && this.isOver(left, copied, needed)) {
          if ((await this.options.mayStop?.()) ?? true) return;
          hasWaited = true; // what was written meanwhile may be much: another round
          this.stuck = 0;
          continue;
        }
        if (!hasWaited && left <= LITTLE) await sleep(CALM); // only the time is short: it may be better then
        hasWaited = false;
        copied = await this.copyRest();
      }
    } catch (error) {
      if (!(error instanceof TrackingLost)) throw error;
      trace('track', () => `pid ${this.process.pid} is not tracked any more: ${error.message}`);
      this.lost = true;
    }
  }

  /**
   * Whether another round is of no use, or too late.
   *
   * @param left bytes @param copied in the last round @param needed milliseconds of the pause for them
   * @throws LimitError when it is to be given up then
   */
  private isOver(left: number, copied: number, needed: number): boolean {
    const { deadline, pauseBudget } = this.options;
    const fits = needed <= pauseBudget;
    if (deadline === undefined || fits) return this.isEnough(left, copied, fits);
    const neverFits = (this.options.leastPause?.() ?? 0) > pauseBudget;
    const isLate = performance.now() - this.start >= deadline.after;
    const pause = `it would stand still for ${Math.ceil(needed)} ms, not ${pauseBudget}`;
    if (deadline.outcome === 'cancel' && neverFits) {
      throw new LimitError('timeout', `pid ${this.process.pid} cannot be moved in so little time: ${pause}`);
    }
    if (!isLate && !(neverFits && this.isEnough(left, copied, false))) return false;
    if (deadline.outcome === 'cancel') {
      const why = `pid ${this.process.pid} writes too fast: after ${deadline.after} ms ${pause}`;
      throw new LimitError('timeout', why);
    }
    this.isLazy = deadline.outcome === 'lazy';
    return true;
  }

  /** Whether further rounds do not make the pause shorter, or it is short enough for so much. */
  private isEnough(left: number, copied: number, fits: boolean): boolean {
    this.stuck = left > copied * SHRINKING ? this.stuck + 1 : 0;
    const most = this.options.onRound === undefined ? 1 : STUCK_MAX;
    if (left <= LITTLE || this.stuck >= most || this.rounds.length >= ROUNDS_MAX) return true;
    return left > HOLD_MAX && fits;
  }

  /** The part of the pause that its pages have no part in, in milliseconds. */
  private get fixedPause(): number {
    return this.options.fixedPause?.() ?? FIXED_PAUSE;
  }

  /**
   * Copies what is left, while the process stands still; writeHeld() is still to come.
   *
   * @param memories all memories, as they are now
   */
  async finish(memories: readonly NativeMemory[]): Promise<void> {
    for (const [i, native] of memories.entries()) this.memories[i].native = native;
    try {
      if (!this.lost) await this.findWritten(true);
    } catch (error) {
      if (!(error instanceof TrackingLost)) throw error;
      this.lost = true;
    }
    if (this.lost) await this.takeTouched();
    this.rest = this.bytesLeft();
    trace('track', () => `${this.rest} bytes are left for the pause`);
    if (!this.isLazy) this.options.onBegin?.(this.rest);
    if (this.isLazy) this.leaveRest();
    else if (this.rest <= HOLD_MAX) this.holdRest();
    else await this.streamRest();
  }

  /** Writes what finish() has held; the process need not stand still any more. */
  async writeHeld(): Promise<void> {
    const { held } = this;
    this.held = [];
    for (const { pages, copy } of held) await pages.take(copy, this.options.onBytes);
  }

  /**
   * The snapshot is where it is to stay: what is written from its last scan on is a difference to it, which the process
   * remembers until the next session. A process that cannot be told, or has another session by now, remembers nothing.
   *
   * @param digest the snapshot's
   */
  async keep(digest: string): Promise<void> {
    if (this.lost) return;
    try {
      await this.pages.keep(Buffer.from(digest, 'hex'));
      this.isKept = true;
    } catch (error) {
      trace('track', () => `pid ${this.process.pid} does not remember this capture: ${(error as Error).message}`);
    }
  }

  /**
   * Called after the process was let go, or the capture has failed: removes what would cost the program time. Does
   * nothing the second time.
   */
  async release(): Promise<void> {
    if (this.pages.way === 'userfault' || this.lost || this.isKept) return;
    this.lost = true;
    try {
      await this.pages.end();
    } catch {
      // The process has ended, or another tool tracks it.
    }
  }

  /** The places of each memory's pages. */
  placed(): PlacedPages[] {
    return this.memories.map(({ pages }) => pages.placed());
  }

  /** Protects all pages. What was written since the parent, or was ever touched, is left to be copied. */
  private async protectAll(): Promise<void> {
    const { process, memories, options } = this;
    // nothing is copied in a lazy move: then what is brought by a use may count as written
    if (!this.isContinued && !options.lazy && this.pages.way === 'userfault') {
      for (const { native } of memories) await bringAbsent(process, native, options.settle);
    }
    for (const memory of this.memories) {
      const written = await this.pages.scan(memory.native);
      if (this.isContinued) memory.rest = written;
    }
    if (!this.isContinued) return this.takeTouched();
    for (const { pages, native } of this.memories) pages.inherit(native.pages);
    this.since = this.bytesLeft();
    this.options.onTotal(this.since);
  }

  /** Marks everything that was ever touched for copying. */
  private async takeTouched(): Promise<void> {
    const { process, options } = this;
    if (this.since !== undefined) for (const { pages } of this.memories) pages.inherit(0);
    this.since = undefined;
    const maps = process.maps();
    const pagemap = process.folder.path('pagemap');
    for (const memory of this.memories) {
      const { address, pages } = memory.native;
      memory.rest = await touchedBlocks(pagemap, address, pages, maps, options.settle);
    }
    options.onTotal(this.bytesLeft());
  }

  /** Also marks what was written since the last look. */
  private async findWritten(stands = false): Promise<void> {
    const now = memoriesOf(this.process);
    this.scans++;
    for (const [i, memory] of this.memories.entries()) {
      memory.native = now[i];
      const written = await this.pages.scan(memory.native, stands);
      this.written += countBlocks(written) * BLOCK;
      const ages = new Uint16Array(written.length);
      ages.set(memory.ages.subarray(0, ages.length));
      for (let page = 0; page < written.length; page++) if (written[page] !== 0) ages[page] = this.scans;
      for (let page = 0; page < memory.rest.length; page++) written[page] |= memory.rest[page];
      memory.ages = ages;
      memory.rest = written;
      await this.options.settle();
    }
  }

  /** @returns bytes */
  private bytesLeft(): number {
    return this.memories.reduce((sum, { rest }) => sum + countBlocks(rest) * BLOCK, 0);
  }

  /** A round. @returns bytes */
  private async copyRest(): Promise<number> {
    const bytes = this.bytesLeft();
    const start = performance.now();
    const isBusy = this.options.isBusy?.() ?? false;
    this.options.onBegin?.(bytes);
    if (bytes <= HOLD_MAX) {
      this.holdRest();
      await this.writeHeld();
    } else {
      await this.streamRest(availableParallelism() < ENOUGH_PROCESSORS ? this.options.settle : undefined);
    }
    const sent = performance.now();
    await this.options.onRound?.();
    const took = (isBusy ? sent : performance.now()) - start;
    this.rounds.push(bytes);
    if (bytes > 0) this.rate = bytes / Math.max(took, 0.1);
    trace('track', () => `round ${this.rounds.length}: ${bytes} bytes in ${took.toFixed(1)} ms`);
    return bytes;
  }

  /** Copies what is left to where it belongs. @param settle to do so one by one */
  private async streamRest(settle?: () => Promise<void>): Promise<void> {
    for (const memory of this.memories) {
      const { native, pages, rest } = memory;
      memory.rest = new Uint16Array(0);
      await pages.take(new LiveMemory(this.process.memory, native, rest, settle), this.options.onBytes);
    }
  }

  /** Copies what was written last into the room, and leaves the others. */
  private leaveRest(): void {
    const { options, rate } = this;
    const memories = this.memories.map((memory) => ({ ...memory, pages: asLazy(memory.pages) }));
    const budget = rate === 0 ? Infinity : Math.max(options.pauseBudget - FIXED_PAUSE, 0) * rate;
    const hot = takeHot(memories, this.scans - 1, Math.min(budget, options.hotBytes ?? HOT_MAX, HOT_MAX));
    this.left = new LeftPages(this.process.memory, memories);
    for (const [i, memory] of this.memories.entries()) memory.rest = hot[i];
    trace('track', () => `${this.bytesLeft()} bytes are hot`);
    this.holdRest();
  }

  /** Copies what is left into the room. */
  private holdRest(): void {
    const { process, memories } = this;
    const bytes = this.bytesLeft();
    if (bytes > this.room.length) this.room = Buffer.allocUnsafeSlow(bytes);
    let used = 0;
    for (const memory of memories) {
      const { native, pages, rest } = memory;
      memory.rest = new Uint16Array(0);
      const read = (offset: number, length: number, target: Buffer, at: number) =>
        void process.memory.read(native.address + offset, length, target, at);
      const copy = HeldPages.copy(rest, read, this.room.subarray(used));
      used += copy.size;
      this.held.push({ pages, copy });
    }
  }
}

function asLazy(pages: ChangingPages): LazyChangingPages {
  if ('leave' in pages) return pages as LazyChangingPages;
  throw new BugError('pages of a difference cannot be left');
}

function sizeOf(memories: readonly NativeMemory[]): number {
  return memories.reduce((sum, { pages }) => sum + pages * WASM_PAGE, 0);
}
