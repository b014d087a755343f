/** What a capture says of itself when it is done. */

import { WASM_PAGE } from '../image/contract/sizes.js';
import type { CaptureReport, TrackingReport } from '../snapshot/capture-report.js';
import type { Snapshot } from '../snapshot/snapshot.js';
import { storedBytes } from '../snapshot/stored-runs.js';
import type { LiftedStack } from './lift.js';

/** Everything that was read from a process. */
export interface ReadProcess {
  readonly snapshot: Snapshot;
  readonly lifted: LiftedStack;
  /** Bytes of the guest's stack that are in use. */
  readonly stackSize: number;
  /** Warnings about open files that are not found under their recorded names. */
  readonly files: readonly string[];
}

/** Milliseconds. */
interface Times {
  readonly pause: number;
  readonly total: number;
}

/**
 * @param file that was written, of so many bytes
 * @param names of the functions that the sites of frames are in
 */
export function reportCapture(
  pid: number,
  file: string,
  bytes: number,
  { pause, total }: Times,
  { snapshot, stackSize, files }: ReadProcess,
  names: readonly string[],
  tracking: TrackingReport | undefined,
): CaptureReport {
  const { instances, frames } = snapshot;
  const memories = instances.flatMap((instance) => instance.memories);
  return {
    pid,
    file,
    bytes,
    pages: memories.reduce((sum, memory) => sum + memory.blocks.length, 0),
    ...(snapshot.ancestors === undefined ? {} : { changed: storedBytes(instances) }),
    frames: frames.count,
    pause: Math.round(pause * 1000),
    total: Math.round(total * 1000),
    globalsSize: instances.reduce((sum, { globals }) => sum + globals.length * 8, 0),
    memorySize: memories.reduce((sum, { pages }) => sum + pages * WASM_PAGE, 0),
    stackSize,
    files,
    tracking,
    trace: Array.from(frames.siteOf, (site) => {
      const { instance, func } = frames.sites[site];
      return { instance, func, name: names[site] };
    }),
  };
}
