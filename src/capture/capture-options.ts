/** How a process is captured, and who takes the snapshot when it is no file's. */

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
   * Write only what differs from this snapshot of the same program, whose files have been found (chain.ts). What is
   * restored from then needs them, too.
   */
  readonly parent?: StoredSnapshot | undefined;
  /** Leave the memories out: what the program is and has open, for one who looks before it is moved. */
  readonly withoutPages?: boolean;
  /** Record the sha256 of each open regular file: the process stands still for as long as reading them takes. */
  readonly hashFiles?: boolean;
  /** Bytes of open files without a name that the snapshot may have in it; MAX_FILE_DATA if not given. */
  readonly maxFileData?: number;
  /**
   * Who takes the snapshot out of a temporary file, which is gone afterwards: nothing is written to `output`, and nothing
   * gets digests.
   */
  readonly taker?: SnapshotTaker;
  /**
   * Called once the file is on the disk, before `kill` ends the process: puts it where it is found. When it fails, the
   * process continues.
   *
   * @returns what the snapshot is called there
   */
  readonly onDurable?: () => Promise<string>;
  /** Milliseconds to wait for a safepoint. */
  readonly timeout?: number;
  /** Milliseconds that the process may stand still, as far as possible; 20 if not given. */
  readonly pauseBudget?: number | undefined;
  /** How written pages are tracked: none copies everything while the process stands still. The best way if not given. */
  readonly tracking?: TrackingWay | 'none' | undefined;
  /** Gives the capture up: the process continues, and nothing is written. */
  readonly signal?: AbortSignal;
  /** Told of what the user should know. */
  readonly onWarning?: (text: string) => void;
  /** Bytes of linear memory looked at so far, of those that were ever touched. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface SnapshotTaker {
  /** After each round of copying, while the process runs: its time is that of the round. */
  round(file: GrowingFile): Promise<void>;
  /**
   * All is there. Decides what becomes of the process, which stands still until this returns; then it continues, unless
   * it was ended or kept.
   */
  take(stopped: StoppedProcess, file: GrowingFile): Promise<void>;
}
