/** The attendant of a program that may get snapshots while it runs. Loads what captures only when some are wanted. */

import type { TriggerSettings } from '../options/snapshot-triggers.js';
import type { Attendant } from './attendant.js';

/**
 * @param inner does the other tasks
 * @param settings undefined when no snapshots are wanted
 * @param descriptor the first free descriptor number of the process
 * @throws UsageError, InputError, ToolError as SnapshotAttendant.around
 */
export async function withSnapshots(
  inner: Attendant,
  settings: TriggerSettings | undefined,
  verbose: boolean,
  descriptor: number,
): Promise<Attendant> {
  if (settings === undefined) return inner;
  const { SnapshotAttendant } = await import('./snapshot-attendant.js');
  return SnapshotAttendant.around(inner, settings, verbose, descriptor);
}
