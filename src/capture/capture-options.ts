/** Options of a capture, and the interface of a taker that gets the snapshot instead of a file. */

import type { Destination } from '../base/output.js';
import type { SendBytes } from '../snapshot/page-file.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { FileForm, RestOfFile } from '../snapshot/writer.js';
import type { CaptureSettings } from './capture-settings.js';
import type { LeftPages } from './left-pages.js';
import type { StoppedProcess } from './stopped-process.js';

export interface CaptureOptions extends CaptureSettings {
  /** Path of the snapshot; an existing file is replaced. */
  readonly output: Destination | string;
  /**
   * Write only what differs from this snapshot of the same program, whose files have been found (chain.ts). Restoring
   * the new snapshot then needs them, too.
   */
  readonly parent?: StoredSnapshot | undefined;
  /** How the file is written: compressed, encrypted, signed. Not with a taker. */
  readonly form?: FileForm | undefined;
  /** Leave the memories out. The target of a move first gets such an outline, to check what the program needs. */
  readonly withoutPages?: boolean;
  /**
   * Takes the snapshot: pages as they are read if it wants, the rest from a temporary file, which is removed afterwards.
   * Then nothing is written to `output`, and no digests are computed.
   */
  readonly taker?: SnapshotTaker;
  /**
   * For a taker: pages that were not written just before are left in the process. A process whose writes cannot be
   * tracked leaves none.
   */
  readonly lazy?: boolean | undefined;
  /** The most bytes of pages that a lazy capture copies. */
  readonly hotBytes?: number | undefined;
  /** How long it is copied again and again for a pause of `pauseBudget`; as long as that comes nearer, if not given. */
  readonly deadline?: CopyDeadline | undefined;
  /** Cancels the capture: the process continues, and nothing is written. */
  readonly signal?: AbortSignal;
  /** Called with each warning for the user. */
  readonly onWarning?: (text: string) => void;
  /** Called with the bytes of linear memory that were examined, and the bytes that were ever touched. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface CopyDeadline {
  /** Milliseconds of copying, to the end of the round that they end in. */
  readonly after: number;
  /** What happens then: it is stopped all the same, and what is left may be sent later; or the capture is given up. */
  readonly outcome: 'stop' | 'lazy' | 'cancel';
}

export interface SnapshotTaker {
  /**
   * Takes bytes of the snapshot's file. What it takes again replaces what was there; what it never takes is zeros.
   * Undefined: they are written to the temporary file, too.
   */
  readonly send?: SendBytes;
  /** Called before a round, or the rest, with the most bytes that will be sent. */
  expect?(bytes: number): void;
  /** Called after each round of copying, while the process runs. The round lasts until this settles. */
  round(): Promise<void>;
  /** After it: bytes that were written meanwhile, and about how many milliseconds the process would stand still for them. */
  left?(bytes: number, pause: number): void;
  /** Whether a round takes longer now, as whoever takes it does something else, too. */
  isBusy?(): boolean;
  /** Milliseconds of the pause that pages have no part in, as far as that is known; default: those of a capture. */
  fixedPause?(): number;
  /** Milliseconds of it that are sure: waiting does not make them less. */
  leastPause?(): number;
  /** Resolves once the process may be stopped; if it is not there, at once. @returns whether that was so before */
  mayStop?(): Promise<boolean>;
  /**
   * Called when the snapshot is complete. Decides what happens to the process, which stands still until this returns.
   * Then the process continues, unless it was ended or kept.
   *
   * @param file what was not sent @param left of a lazy move: what is not in the file, either
   */
  take(stopped: StoppedProcess, file: RestOfFile, left: LeftPages | undefined): Promise<void>;
}
