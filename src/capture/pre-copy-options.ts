/** How the memories of a running process are copied, and who is told. */

import type { CopyDeadline } from './capture-options.js';
import type { TrackingWay } from './written-pages.js';

export interface PreCopyOptions {
  /** How long the process may stand still, as far as possible, in milliseconds. */
  readonly pauseBudget: number;
  /** Digest of the snapshot that is differed from; undefined: of none. */
  readonly parent?: string | undefined;
  /** The way of tracking, for tests; default: the best that there is. */
  readonly way?: TrackingWay | undefined;
  /** Lets pending events in now and then; throws when the user gives up. */
  readonly settle: () => Promise<void>;
  /** Called with the size of the memories in bytes. */
  readonly onTotal: (bytes: number) => void;
  /** Called with the bytes copied since the last call; may throw. */
  readonly onBytes: (bytes: number) => void;
  /** Called before a round, or the rest, with its bytes. */
  readonly onBegin?: (bytes: number) => void;
  /** Called after a round, which lasts until this settles: whoever passes the pages on limits the speed, too. */
  readonly onRound?: () => Promise<void>;
  /** Resolves once the process may be stopped. @returns whether that was so before */
  readonly mayStop?: () => Promise<boolean>;
  /** After a round: bytes that are left, and milliseconds that the process would stand still for them. */
  readonly onLeft?: (bytes: number, pause: number) => void;
  /** Whether what `onRound` waits for takes longer than usual now: then it says nothing of the speed. */
  readonly isBusy?: (() => boolean) | undefined;
  /** Milliseconds of the pause that its pages have no part in, as far as that is known; default: those of a capture. */
  readonly fixedPause?: (() => number) | undefined;
  /** Milliseconds of it that are sure: waiting does not make them less; default: none. */
  readonly leastPause?: (() => number) | undefined;
  /** Copies only what was written last: the rest is left to be sent later. */
  readonly lazy?: boolean | undefined;
  /** The most bytes of that. */
  readonly hotBytes?: number | undefined;
  /** Until when rounds go on though what is left does not become smaller. */
  readonly deadline?: CopyDeadline | undefined;
}
