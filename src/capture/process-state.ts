/**
 * Reads the state of a process besides its stack and its pages: its instances, and its host layer. Also rehearses all
 * reading before the process is stopped.
 */

import { trace } from '../base/trace.js';
import { HeaderBudget } from '../snapshot/header-budget.js';
import { FIRST_GUEST } from '../snapshot/snapshot.js';
import { readGuestStack } from './guest-stack.js';
import { readHost } from './host-state.js';
import { type InstanceState, readInstance } from './instance-state.js';
import { ExceptionReader } from './live-exceptions.js';
import { type OpenNames, readOpenNames } from './open-names.js';
import type { ImageProcess } from './process.js';
import type { ReferenceTable } from './reference-table.js';

export interface ProcessState {
  readonly named: OpenNames;
  /** Of the guests, in order. */
  readonly states: readonly InstanceState[];
}

/**
 * @param settle lets pending events in now and then; may throw
 * @throws InputError 'damaged-process', LimitError
 */
export async function readState(
  process: ImageProcess,
  exceptions: ExceptionReader,
  references: ReferenceTable,
  budget: HeaderBudget,
  settle: () => Promise<void>,
): Promise<ProcessState> {
  const { memory, runtime, thread, base, image } = process;
  const now = globalThis.process.hrtime.bigint(); // CLOCK_MONOTONIC
  const { hostImports, instances } = image.identity;
  const named = readOpenNames(memory, runtime, await readHost(memory, runtime, thread, hostImports, now, settle));
  const reader = { memory, base, references, exceptions, budget, settle };
  const states: InstanceState[] = [];
  for (const identity of instances.slice(FIRST_GUEST)) states.push(await readInstance(reader, identity));
  return { named, states };
}

/**
 * Reads, while the process runs, everything that is read again in the pause, and discards it: Node compiles a function
 * when it is first called, which would make the pause 2 ms longer. Errors do not count: the process changes while it is
 * read.
 *
 * @param settle as that of readState()
 */
export async function rehearse(
  process: ImageProcess,
  references: ReferenceTable,
  settle: () => Promise<void>,
): Promise<void> {
  const { memory, runtime, base, image, pid } = process;
  const budget = new HeaderBudget();
  const exceptions = new ExceptionReader(memory, runtime, base, image.identity, references, budget, settle);
  try {
    await readState(process, exceptions, references, budget, settle);
    readGuestStack(process, undefined, budget).lift();
  } catch (error) {
    trace('capture', () => `pid ${pid} changes while it is looked at: ${(error as Error).message}`);
  }
}
