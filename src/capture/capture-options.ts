/** Options of a capture, and the interface of a taker that gets the snapshot instead of a file. */

import type { Destination } from '../base/output.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import type { GrowingFile } from '../snapshot/writer.js';
import type { StoppedProcess } from './stopped-process.js';
import type { TrackingWay } from './written-pages.js';

export interface CaptureOptions {
  /** Path of the snapshot; an existing file is replaced. */
  readonly output: Destination | string;
  /** End the process once the snapshot is durable. */
  readonly kill?: boolean;
  /** Leave the modules' binaries out: restore then needs them. */
  readonly withoutModules?: boolean;
  /**
   * Write only what differs from this snapshot of the same program, whose files have been found (chain.ts). Restoring
   * the new snapshot then needs them, too.
   */
  readonly parent?: StoredSnapshot | undefined;
  /** Leave the memories out. The target of a move first gets such an outline, to check what the program needs. */
  readonly withoutPages?: boolean;
  /** Record the sha256 of each open regular file: the process stands still for as long as reading them takes. */
  readonly hashFiles?: boolean;
  /** Limit on the contents of unlinked open files in the snapshot, in bytes; default: MAX_FILE_DATA. */
  readonly maxFileData?: number;
  /**
   * Takes the snapshot from a temporary file, which is removed afterwards. Then nothing is written to `output`, and no
   * digests are computed.
   */
  readonly taker?: SnapshotTaker;
  /**
   * Called once the file is on the disk, before `kill` ends the process: puts it where it is found. When it fails, the
   * process continues.
   *
   * @returns what the snapshot is called there
   */
  readonly onDurable?: () => Promise<string>;
  /** How long to wait for a safepoint, in milliseconds. */
  readonly timeout?: number;
  /** How long the process may stand still, as far as possible, in milliseconds; default: 20. */
  readonly pauseBudget?: number | undefined;
  /** How long it is copied again and again for a pause of `pauseBudget`; as long as that comes nearer, if not given. */
  readonly deadline?: CopyDeadline | undefined;
  /**
   * How written pages are tracked; 'none' copies everything while the process stands still. Default: the best way there
   * is.
   */
  readonly tracking?: TrackingWay | 'none' | undefined;
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
  /** What happens then: it is stopped all the same, or the capture is given up. */
  readonly outcome: 'stop' | 'cancel';
}

export interface SnapshotTaker {
  /** Called after each round of copying, while the process runs. The round lasts until this settles. */
  round(file: GrowingFile): Promise<void>;
  /** After it: bytes that were written meanwhile, and about how many milliseconds the process would stand still for them. */
  left?(bytes: number, pause: number): void;
  /**
   * Called when the snapshot is complete. Decides what happens to the process, which stands still until this returns.
   * Then the process continues, unless it was ended or kept.
   */
  take(stopped: StoppedProcess, file: GrowingFile): Promise<void>;
}
