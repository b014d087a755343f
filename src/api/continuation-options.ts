/** What a snapshot is continued with, here or on another host. */

import type { ArchName } from '../arch/masm/target.js';
import type { WarningOption } from './common-options.js';
import type { FdPolicy, GrantOptions } from './restore-grants.js';

export interface ContinuationOptions extends Omit<GrantOptions, 'fds'>, WarningOption {
  /** The CPU to continue with; default: that of the machine. Another one's program needs qemu-user there. */
  readonly arch?: ArchName | undefined;
  /** What it is called from now on; default: what it was called. */
  readonly name?: string | undefined;
  /** What becomes of its descriptors, by their numbers. */
  readonly fds?: Readonly<Record<number, FdPolicy>> | undefined;
  /** Files that have changed since the capture, or are other ones, are errors, not warnings. */
  readonly strictFiles?: boolean | undefined;
}
