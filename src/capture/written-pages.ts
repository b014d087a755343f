/**
 * Finds the written pages of a running process: the tool's side of image/contract/tracking.ts. The process itself
 * looks, in its signal handler, one range at a time, so that it never stands still longer than a slice takes.
 *
 * A session belongs to one tool. It is lost when another tool begins one, or when the process does not answer. Each
 * call then throws TrackingLost, and the caller must treat everything as written.
 *
 * If the tool dies, nothing has to be undone in the process: a page that stays protected costs one fault at its next
 * write.
 */

import { randomBytes } from 'node:crypto';
import { InputError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { RT_STOP_SENDER, STATE_RUNNING, STATE_STARTING } from '../image/contract/runtime-block.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { TH_STATE } from '../image/contract/thread.js';
import {
  CHECK_FACTOR,
  REGION_END,
  REGION_SIZE,
  REGION_START,
  REQUEST_SIZE,
  RQ_CHECK,
  RQ_COMMAND,
  RQ_END,
  RQ_ID,
  RQ_KEEP_CHECK,
  RQ_NUMBER,
  RQ_SESSION,
  RQ_START,
  RQ_WAY,
  RT_TRACKING,
  TK_ANSWER,
  TK_BEFORE,
  TK_REACHED,
  TK_REGIONS,
  TK_REQUEST,
  TK_RESULT,
  TK_TOOK,
  TK_WAYS,
  TRACK_BEGIN,
  TRACK_BOUNDED,
  TRACK_END,
  TRACK_ID_SIZE,
  TRACK_KEEP,
  TRACK_PROTECT,
  TRACK_REGIONS,
  TRACK_SCAN,
  TRACK_STALE,
  TRACK_USERFAULT,
  TRACKING_SIZE,
} from '../image/contract/tracking.js';
import { BLOCK } from '../snapshot/page-blocks.js';
import type { NativeMemory } from './instance-state.js';
import { FIRST_PAUSE, longer, sleep } from './pauses.js';
import type { ImageProcess } from './process.js';

/** The ways in which a process can track writes. */
export type TrackingWay = 'userfault' | 'protect';
const WAYS: Readonly<Record<TrackingWay, number>> = { userfault: TRACK_USERFAULT, protect: TRACK_PROTECT };

/** How much memory the process handles in one slice, in bytes: write-protecting it takes 0.5 ms. */
const SLICE = 16 << 20;
/** The same for a process that stops by itself (TRACK_BOUNDED): to find nothing in it takes 1 ms. */
const BOUNDED_SLICE = 1 << 30;
/** After how many milliseconds the process is asked again, and is given up. */
const ASK_AGAIN = 100;
const GIVE_UP = 3000;

/**
 * The session is lost: everything may have been written. Users do not see this error: the capture goes on without
 * tracking.
 */
export class TrackingLost extends Error {}

export class WrittenPages {
  private session = 0;
  /** The longest interruption of the process, in nanoseconds. */
  longestSlice = 0;

  private constructor(
    private readonly process: ImageProcess,
    readonly way: TrackingWay,
    private readonly slice: number,
  ) {}

  /**
   * Begins a session. The first scan of a page then says whether it was written since the last scan of the previous
   * session. For a page that was never scanned, it says whether the page is present.
   *
   * @param forced the way to use, for tests; default: the best that the process supports
   * @returns undefined when the process cannot track writes, or has an older image
   */
  static async begin(
    process: ImageProcess,
    forced?: TrackingWay,
  ): Promise<{ written: WrittenPages; since: Uint8Array | undefined } | undefined> {
    const { memory } = process;
    const ways = memory.u32(process.runtime + RT_TRACKING + TK_WAYS);
    const way = (['userfault', 'protect'] as const).find(
      (way) => (ways & WAYS[way]) !== 0 && (forced === undefined || way === forced),
    );
    if (way === undefined) return undefined;
    const written = new WrittenPages(process, way, (ways & TRACK_BOUNDED) === 0 ? SLICE : BOUNDED_SLICE);
    try {
      written.session = (await written.ask(TRACK_BEGIN)).result;
      const before = memory.read(process.runtime + RT_TRACKING + TK_BEFORE, TRACK_ID_SIZE);
      trace('track', () => `pid ${process.pid}: session ${written.session}, by ${way}`);
      return { written, since: before.every((byte) => byte === 0) ? undefined : before };
    } catch (error) {
      if (!(error instanceof TrackingLost)) throw error;
      trace('track', () => `pid ${process.pid}: cannot be tracked: ${error.message}`);
      return undefined;
    }
  }

  /**
   * What was written in a memory since its last scan. The next scan counts from this one.
   *
   * @param stands the process stands still: no slice is too long for it
   * @returns for each page of the memory: bit n is set when its block n was written
   * @throws TrackingLost
   */
  async scan({ address, pages }: NativeMemory, stands = false): Promise<Uint16Array> {
    const blocks = new Uint16Array(pages);
    const end = address + pages * WASM_PAGE;
    for (let start = address; start < end; ) {
      const sliceEnd = stands ? end : Math.min(start + this.slice, end);
      const { result: count, reached } = await this.ask(TRACK_SCAN, start, sliceEnd);
      if (count > TRACK_REGIONS || reached > sliceEnd) throw this.damaged();
      const found = count > 0 ? this.addRegions(count, start, sliceEnd, address, blocks) : start;
      const next = Math.max(reached, found);
      if (next <= start) throw this.damaged();
      start = next;
    }
    return blocks;
  }

  /**
   * Names the snapshot to which writes after the last scans are a difference: the next session's `since`.
   *
   * @param id the snapshot's, TRACK_ID_SIZE bytes
   * @throws TrackingLost
   */
  async keep(id: Uint8Array): Promise<void> {
    await this.ask(TRACK_KEEP, 0, 0, id);
  }

  /** Removes all protection. @throws TrackingLost */
  async end(): Promise<void> {
    await this.ask(TRACK_END);
  }

  /** @returns where the last of them ends */
  private addRegions(count: number, start: number, end: number, address: number, blocks: Uint16Array): number {
    const { memory, runtime } = this.process;
    const bytes = memory.read(memory.address(runtime + RT_TRACKING + TK_REGIONS), count * REGION_SIZE);
    let last = start;
    for (let at = 0; at < bytes.length; at += REGION_SIZE) {
      const from = Number(bytes.readBigUInt64LE(at + REGION_START));
      const to = Number(bytes.readBigUInt64LE(at + REGION_END));
      if (from < last || to <= from || to > end || from % BLOCK !== 0 || to % BLOCK !== 0) throw this.damaged();
      markBlocks(blocks, (from - address) / BLOCK, (to - address) / BLOCK);
      last = to;
    }
    // Another tool's scan would have overwritten them, but would also have changed the session's number.
    if (memory.u32(runtime + RT_TRACKING + TK_ANSWER + RQ_NUMBER) !== this.number)
      throw new TrackingLost('another tool');
    return last;
  }

  private number = 0;

  /** @throws TrackingLost, ToolError when the process has ended */
  private async ask(
    command: number,
    start = 0,
    end = 0,
    id?: Uint8Array,
  ): Promise<{ result: number; reached: number }> {
    const { memory, runtime, pid } = this.process;
    const request = Buffer.alloc(REQUEST_SIZE);
    this.number = randomBytes(4).readUInt32LE() || 1;
    request.writeUInt32LE(this.number, RQ_NUMBER);
    request.writeUInt32LE(command, RQ_COMMAND);
    request.writeUInt32LE(this.session, RQ_SESSION);
    request.writeUInt32LE(WAYS[this.way], RQ_WAY);
    request.writeBigUInt64LE(BigInt(start), RQ_START);
    request.writeBigUInt64LE(BigInt(end), RQ_END);
    if (id) request.set(id, RQ_ID);
    writeCheck(request, command === TRACK_KEEP ? RQ_KEEP_CHECK : RQ_CHECK);
    const asked = performance.now();
    let signalled = -ASK_AGAIN;
    for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
      const waited = performance.now() - asked;
      if (waited - signalled >= ASK_AGAIN) {
        signalled = waited;
        memory.write(runtime + RT_TRACKING + TK_REQUEST, request);
        await this.process.signal('SIGURG');
      }
      if (memory.u32(runtime + RT_TRACKING + TK_ANSWER + RQ_NUMBER) === this.number) {
        const record = memory.read(runtime + RT_TRACKING, TRACKING_SIZE);
        // Two tools that write at the same time could mix their requests.
        if (!record.subarray(TK_ANSWER, TK_ANSWER + REQUEST_SIZE).equals(request))
          throw new TrackingLost('another tool');
        const result = Number(record.readBigInt64LE(TK_RESULT));
        if (result === TRACK_STALE) throw new TrackingLost('another tool has begun a session');
        this.longestSlice = Math.max(this.longestSlice, Number(record.readBigUInt64LE(TK_TOOK)));
        if (result < 0) throw new TrackingLost(`error ${-result}`);
        return { result, reached: Number(record.readBigUInt64LE(TK_REACHED)) };
      }
      if (waited > GIVE_UP) throw new TrackingLost(`no answer within ${GIVE_UP} ms`);
      if (pause >= 1 && !this.canAnswer()) throw new TrackingLost(`pid ${pid} is suspended`);
      await sleep(pause);
    }
  }

  /** Whether the process is neither suspended nor gone. */
  private canAnswer(): boolean {
    const state = this.process.status()?.state;
    return state !== undefined && !['T', 't', 'Z', 'X'].includes(state);
  }

  private damaged(): InputError {
    return new InputError('damaged-process', `pid ${this.process.pid}: its list of written pages is damaged`);
  }
}

/** Whether the process runs. Waits a moment for one that starts, or that this tool has just let go. */
export async function runs({ memory, runtime, thread }: ImageProcess): Promise<boolean> {
  const deadline = performance.now() + GIVE_UP;
  for (let pause = FIRST_PAUSE; performance.now() < deadline; pause = longer(pause)) {
    const state = memory.u32(thread + TH_STATE);
    if (state === STATE_RUNNING) return true;
    if (state !== STATE_STARTING && memory.u32(runtime + RT_STOP_SENDER) !== globalThis.process.pid) break;
    await sleep(pause);
  }
  return memory.u32(thread + TH_STATE) === STATE_RUNNING;
}

/** @param at where it goes, which is not a part of it */
function writeCheck(request: Buffer, at: number): void {
  let check = 0n;
  for (let word = 0; word < REQUEST_SIZE; word += 8) {
    if (word === at) continue;
    check = BigInt.asUintN(64, (check ^ request.readBigUInt64LE(word)) * BigInt(CHECK_FACTOR));
    check ^= check >> 32n;
  }
  request.writeBigUInt64LE(check, at);
}

/** Sets the bits of blocks [from, to) of a memory. */
export function markBlocks(blocks: Uint16Array, from: number, to: number): void {
  while (from < to) {
    const page = from >> 4;
    const first = from & 15;
    const count = Math.min(16 - first, to - from);
    blocks[page] |= ((1 << count) - 1) << first;
    from += count;
  }
}
