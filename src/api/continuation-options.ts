/** Options for continuing a snapshot, here or on another host. */

import type { ArchName } from '../arch/masm/target.js';
import type { WarningOption } from './common-options.js';
import type { FdPolicy, GrantOptions } from './restore-grants.js';

export interface ContinuationOptions extends Omit<GrantOptions, 'fds'>, WarningOption {
  /** The CPU to continue on; default: the machine's own. Programs for another CPU need qemu-user there. */
  readonly arch?: ArchName | undefined;
  /** The workload's new name; default: its captured name. */
  readonly name?: string | undefined;
  /** What happens to its descriptors, by their numbers. */
  readonly fds?: Readonly<Record<number, FdPolicy>> | undefined;
  /** Whether files that have changed since the capture, or are other files, are errors instead of warnings. */
  readonly strictFiles?: boolean | undefined;
}
