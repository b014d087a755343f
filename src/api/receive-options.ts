/** What a host allows to workloads from other hosts. */

import type { ReceiveEvent } from '../transport/target.js';
import type { PeerGrants } from './peer-grants.js';

export type { NamedDirectory, PeerGrants } from './peer-grants.js';
export type { ReceiveEvent };

export interface ReceiveOptions {
  /** Limit of a workload's memories, in bytes. */
  readonly maxMemory?: number | undefined;
  /** The folder for a program's output, when the source names none. */
  readonly outputDir?: string | undefined;
  /** What the source may name on this host. Default: any path and address that this process may use. */
  readonly grants?: PeerGrants | undefined;
  /**
   * Gives up what has not begun, and tells the source why: the reason is part of the message. A program that runs is
   * detached from the source's streams, and its memory is waited for.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called with what happens on the way. */
  readonly onEvent?: ((event: ReceiveEvent) => void) | undefined;
}
