/** Describes a running process as data. Neither changes nor stops it. */

import type { ImageProcess } from '../capture/process.js';
import { readTrap } from '../capture/trap.js';
import { stateName } from '../capture/workloads.js';
import { TH_TRAP_PARKED } from '../image/contract/thread.js';
import { imageFacts } from './describe-image.js';
import type { ProcessDescription } from './description.js';

/** @throws InputError when it is damaged, ToolError when it has ended */
export function describeProcess(process: ImageProcess): ProcessDescription {
  const { pid, name, args } = process;
  const memory = process.tryMemory();
  const state = (memory && stateName(memory, process.runtime)) ?? 'unknown';
  const systemState = process.status()?.state ?? '?';
  const image = imageFacts(process.image);
  const parked = state === 'trapped' && memory?.u32(process.thread + TH_TRAP_PARKED) === 1;
  const trap = parked ? readTrap(process).trap : null;
  return { kind: 'process', pid, name: name ?? null, args, state, trap, systemState, image };
}
