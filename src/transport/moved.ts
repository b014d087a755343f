/** What a move tells of itself when it has gone well. */

import type { AttachedStreams } from './attached-streams.js';

export interface Moved {
  /** The other host's own name. */
  readonly host: string;
  /** The program's pid there; undefined after a dry run. */
  readonly pid: number | undefined;
  /** Where the program's output goes there. */
  readonly output: string;
  /** Bytes sent, of memory and everything else. */
  readonly bytes: number;
  /** The same as they were on the way, compressed. */
  readonly wire: number;
  /** Microseconds from the stop until the target said that the program runs. */
  readonly downtime: number;
  /** Of one that was asked for with its streams. Its link stays until it ends there, or is detached. */
  readonly streams?: AttachedStreams | undefined;
}
