/**
 * Captures a program that is tracked from one site on and stopped at a later one.
 *
 *     at site a      it runs, but stays there: tracking begins, all is protected, the first round is copied
 *     a ... b        it runs on, and writes
 *     at site b      it is stopped, and the rest is taken
 *
 * Then it is restored; or it runs on, from b to c, and what it has written there is captured as a difference.
 *
 * A native process leaves a site as soon as something is copied; an emulated one only when it is asked to stop. What the
 * pieces print must be what the whole prints, and the exit code the same.
 */

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSnapshot } from '../../src/api/stored-snapshot.js';
import { targets } from '../../src/arch/targets.js';
import { WagSnapError } from '../../src/base/errors.js';
import { captureProcess } from '../../src/capture/capture.js';
import { ImageProcess } from '../../src/capture/process.js';
import { readRegisters } from '../../src/capture/registers.js';
import { stopProcess } from '../../src/capture/stop.js';
import type { TrackingWay } from '../../src/capture/written-pages.js';
import { STATE_RUNNING } from '../../src/image/contract/runtime-block.js';
import { SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../../src/image/contract/site-tables.js';
import { TH_PARK_CONTEXT, TH_STATE } from '../../src/image/contract/thread.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { FIRST_GUEST } from '../../src/snapshot/snapshot.js';
import { apart, LedImage } from '../support/led-image.js';
import { nativeArch } from '../support/native-arch.js';
import { random } from '../support/random.js';
import { byKind, exhaustive, ownPart } from '../support/sampling.js';
import { type Built, type Ending, restoreAndStart, type StartOptions, Workload } from '../support/workload.js';
import { difference, guestSites, kindOf } from './every-site.js';

/** The first byte of the instructions of the threads proposal. */
const ATOMIC = 0xfe;
const PATIENCE = 60_000;
/** Sites that are looked for in a sample. */
const LOOKED_FOR = 4;

export interface TrackedSites {
  readonly sites: number;
  /** At how many sites tracking has begun. */
  readonly begun: number;
  /** How many of those were captured later on; the others have ended before. */
  readonly captured: number;
  /** A line per site that went wrong. */
  readonly failures: readonly string[];
}

export interface TrackedSitesOptions {
  readonly way: TrackingWay;
  /** What each capture is restored onto. */
  readonly onto: readonly Built[];
  readonly args: readonly string[];
  readonly seed: number;
}

export async function captureTracked(
  built: Built,
  folder: string,
  options: TrackedSitesOptions,
): Promise<TrackedSites> {
  const sweep = new TrackedSweep(built, folder, options);
  return sweep.run();
}

/** A process ended by itself before it could be captured. */
class Ended extends Error {}

class TrackedSweep {
  private readonly image: LedImage;
  private readonly isNative: boolean;
  private readonly next: () => number;
  private readonly files: string;
  private readonly start: StartOptions;
  /** What waits when it is asked to stop comes here, again and again: the entries of imports, and atomic waits. */
  private readonly waits: readonly number[];

  constructor(
    private readonly built: Built,
    private readonly folder: string,
    private readonly options: TrackedSitesOptions,
  ) {
    this.image = new LedImage(built, join(folder, 'led'));
    this.isNative = built.image.arch === nativeArch;
    this.next = random(options.seed);
    this.files = join(folder, 'files');
    mkdirSync(this.files);
    this.waits = guestSites(built).filter(
      (site) => kindOf(built, site) === 'entry of an import' || isAtomic(built, site),
    );
    this.start = { args: options.args, dirs: [{ host: this.files, guest: '.', readOnly: false }] };
  }

  async run(): Promise<TrackedSites> {
    const { built, next } = this;
    const whole = await Workload.start(built.path, this.start).ended();
    const all = guestSites(built);
    const chosen = byKind(all, (site) => kindOf(built, site), next);
    const order = exhaustive ? await this.inOrder(chosen) : await this.someInOrder(chosen);
    const firsts = exhaustive ? ownPart(order) : [order[Math.floor((next() * order.length) / 2)]];
    const failures: string[] = [];
    let captured = 0;
    for (const first of firsts) {
      const after = order.slice(order.indexOf(first) + 1);
      const some = after.filter(() => next() < 0.5);
      const later = apart(first, some.length === 0 ? after : some);
      try {
        const failure = await this.tryOnce(first, later, whole);
        if (failure !== undefined) failures.push(`from text ${first} (${kindOf(built, first)}): ${failure}`);
        captured++;
      } catch (error) {
        if (!(error instanceof Ended)) throw error;
      }
    }
    return { sites: all.length, begun: firsts.length, captured, failures };
  }

  /** At least one. */
  private async someInOrder(sites: readonly number[]): Promise<number[]> {
    for (let from = 0; from < sites.length; from += LOOKED_FOR) {
      const order = await this.inOrder(sites.slice(from, from + LOOKED_FOR));
      if (order.length > 0) return order;
    }
    throw new Error('the program reaches no site');
  }

  /** Those of the sites that the program reaches, in the order in which it does so first. */
  private async inOrder(sites: readonly number[]): Promise<number[]> {
    const order: number[] = [];
    const missing = new Set(sites);
    for (;;) {
      this.image.make({ stay: [], park: [...missing] });
      const site = await this.led(async (process) => {
        await this.untilParked(process);
        return siteOf(process);
      });
      if (site === undefined) return order;
      if (!missing.delete(site)) throw new Error(`parked at text ${site}, which has no trap`);
      order.push(site);
    }
  }

  /** @returns what went wrong @throws Ended */
  private async tryOnce(first: number, later: readonly number[], whole: Ending): Promise<string | undefined> {
    const { image, options, folder } = this;
    // a native process has left the first one by then; of an emulated one it is taken away below
    image.make({ stay: [first, ...later], park: [first, ...later, ...this.waits] });
    const isChained = this.next() < 0.5;
    let workload: Workload | undefined;
    const files = [join(folder, '0.wsnap'), join(folder, '1.wsnap')];
    const last = isChained ? 1 : 0;
    const ended = await this.led(async (process, itself) => {
      workload = itself;
      const stopped = await this.untilParked(process);
      await stopped.resume();
      while (process.memory.u32(process.thread + TH_STATE) !== STATE_RUNNING) await sleep(1);
      let at = first;
      for (let n = 0; n <= last; n++) {
        if (!this.isNative) image.setPark([...later.filter((site) => site !== at), ...this.waits]);
        let isReleased = !this.isNative;
        const { tracking } = await captureProcess(process, {
          output: files[n],
          kill: n === last,
          timeout: PATIENCE,
          tracking: options.way,
          parent: n === 0 ? undefined : await openSnapshot(files[n - 1]),
          onProgress: () => {
            if (!isReleased) image.release(process, at);
            isReleased = true;
          },
        });
        if (tracking?.way !== options.way) throw new Error('it was not tracked');
        // A memory that has grown much is protected from the start again.
        if (n > 0 && tracking.since === null && options.way !== 'protect') throw new Error('all of it was compared');
        if (n < last) at = this.parkedAt(files[n]);
      }
      return itself.ended();
    });
    if (ended === undefined) {
      const ending = await workload!.ended();
      const wrong = difference(ending, whole);
      if (wrong !== undefined) return `it ended by itself, ${wrong}`;
      throw new Ended();
    }
    const kept = join(folder, 'kept');
    cpSync(this.files, kept, { recursive: true });
    for (const onto of options.onto) {
      rmSync(this.files, { recursive: true });
      cpSync(kept, this.files, { recursive: true });
      const restored = await restoreAndStart(
        await openSnapshot(files[last]),
        onto,
        join(folder, 'resumable'),
        this.start,
      );
      const ending = await restored.ended();
      const wrong = difference({ ...ending, stdout: ended.stdout + ending.stdout }, whole);
      if (wrong !== undefined) return `restored on ${onto.image.arch}, ${wrong}`;
    }
    rmSync(kept, { recursive: true });
    return undefined;
  }

  /** @returns what `act` does; undefined when the process has ended by itself */
  private async led<T>(act: (process: ImageProcess, workload: Workload) => Promise<T>): Promise<T | undefined> {
    const workload = Workload.start(this.image.path, { ...this.start, env: { WAGSNAP_PARK: '1' } });
    let process: ImageProcess | undefined;
    try {
      process = await ImageProcess.attach(workload.pid);
      return await act(process, workload);
    } catch (error) {
      if (!workload.hasEnded && !hasEnded(error)) throw error;
      return undefined;
    } finally {
      process?.close();
      if (process !== undefined) workload.kill();
      await workload.ended();
    }
  }

  private untilParked(process: ImageProcess) {
    return stopProcess(process, { timeout: PATIENCE, checkCancelled: () => {} });
  }

  /** The site of a snapshot's innermost frame. */
  private parkedAt(file: string): number {
    const { sites } = this.built.image;
    const { instance, func, offset, kind } = readSnapshot(file).snapshot.frames.site(0);
    const site = kind === 'entry' ? SITE_ENTRY : kind === 'loop' ? SITE_LOOP : SITE_CALL;
    return sites.site(sites.siteFor(instance + FIRST_GUEST, func, offset, site)).textOffset;
  }
}

function hasEnded(error: unknown): boolean {
  return error instanceof WagSnapError && ['process-ended', 'no-process', 'not-ours'].includes(error.code);
}

function isAtomic({ image, modules }: Built, site: number): boolean {
  const { sites } = image;
  const { bodyOffset } = sites.site(sites.siteAt(site));
  const { instance, index } = sites.function(sites.functionAt(site));
  const { bytes, bodyStart, importedFuncCount } = modules[instance - FIRST_GUEST];
  return index >= importedFuncCount && bytes[bodyStart[index - importedFuncCount] + bodyOffset] === ATOMIC;
}

/** The site that a process is parked at, as a text offset. */
function siteOf({ memory, thread, base, image }: ImageProcess): number {
  const { pc } = readRegisters(memory, memory.address(thread + TH_PARK_CONTEXT), targets[image.arch]);
  return pc - base - image.identity.text.imageOffset;
}
