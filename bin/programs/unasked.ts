/** Refuses `-t NAME` where no snapshot would ever be taken: without a trigger, for a program that asks for none itself. */

import type { TriggerSettings } from '../options/snapshot-triggers.js';
import { UsageError } from '../options/usage.js';

/**
 * @param settings undefined when no snapshots are wanted
 * @param program its name, for the message
 * @param mayAsk whether the program may ask for snapshots itself
 * @throws UsageError
 */
export async function refuseUnasked(
  settings: TriggerSettings | undefined,
  program: string,
  mayAsk: () => Promise<boolean>,
): Promise<void> {
  if (settings === undefined) return;
  const { name, every, whenIdle, on } = settings;
  if (every !== undefined || whenIdle !== undefined || on.length > 0 || (await mayAsk())) return;
  throw new UsageError(
    `-t ${name} needs --snapshot-every, --snapshot-on or --snapshot-when-idle: ${program} does not ask for snapshots itself (import wag_snap.snapshot)`,
  );
}
