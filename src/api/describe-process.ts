/** What a running process is, as data. Changes and stops nothing. */

import type { ImageProcess } from '../capture/process.js';
import { readTrap } from '../capture/trap.js';
import { stateName, type WorkloadState } from '../capture/workloads.js';
import { RT_FLAGS } from '../image/contract/runtime-block.js';
import { TH_STATE, TH_TRAP_PARKED } from '../image/contract/thread.js';
import { type ImageFacts, imageFacts } from './describe-image.js';

export interface ProcessDescription {
  readonly kind: 'process';
  readonly pid: number;
  /** What the workload is called. */
  readonly name: string | null;
  /** Of the program, its name first. */
  readonly args: readonly string[];
  /** Unknown: it may not be looked into, as long as it has not named us as its tracer. */
  readonly state: WorkloadState | 'unknown';
  /** Of one that is parked at it. */
  readonly trap: { readonly kind: number; readonly message: string } | null;
  /** A letter, as in ps: R running, S sleeping, T stopped; ? for one that has ended. */
  readonly systemState: string;
  readonly image: ImageFacts;
}

/** @throws InputError when it is damaged, ToolError when it has ended */
export function describeProcess(process: ImageProcess): ProcessDescription {
  const { pid, name, args } = process;
  const memory = process.tryMemory();
  const state =
    (memory && stateName(memory.u32(process.thread + TH_STATE), memory.u32(process.runtime + RT_FLAGS))) ?? 'unknown';
  const systemState = process.status()?.state ?? '?';
  const image = imageFacts(process.image);
  const parked = state === 'trapped' && memory?.u32(process.thread + TH_TRAP_PARKED) === 1;
  const trap = parked ? readTrap(process).trap : null;
  return { kind: 'process', pid, name: name ?? null, args, state, trap, systemState, image };
}
