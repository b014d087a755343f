/** What a host allows a workload that comes from another one. */

import type { ReceiveEvent } from '../transport/target.js';
import type { PeerGrants } from './peer-grants.js';

export type { NamedDirectory, PeerGrants } from './peer-grants.js';
export type { ReceiveEvent };

export interface ReceiveOptions {
  /** Bytes that the memories of what comes may have. */
  readonly maxMemory?: number | undefined;
  /** The folder for a program's output, when the other side names none. */
  readonly outputDir?: string | undefined;
  /** What the other side may name of this host; if not given, paths and addresses, as whoever started this may. */
  readonly grants?: PeerGrants | undefined;
  /** Told of what happens on the way. */
  readonly onEvent?: ((event: ReceiveEvent) => void) | undefined;
}
