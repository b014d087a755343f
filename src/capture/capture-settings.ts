/** The options that a capture of an attached process and the library's capture() have in common. */

import type { TrackingWay } from './written-pages.js';

export interface CaptureSettings {
  /** End the program, with exit code 75, once the snapshot is on the disk. */
  readonly kill?: boolean | undefined;
  /** With `kill`: it is killed, so its standard error does not say where it continues. */
  readonly silent?: boolean | undefined;
  /** Leave the modules' binaries out: restore then has to be given them. */
  readonly withoutModules?: boolean | undefined;
  /**
   * Record the sha256 of each open regular file, which restore compares: the program stands still for as long as reading
   * them takes.
   */
  readonly hashFiles?: boolean | undefined;
  /** Limit on the contents of unlinked open files in the snapshot, in bytes; default: 64 MiB. */
  readonly maxFileData?: number | undefined;
  /**
   * Called once the file is on the disk, before `kill` ends the program: puts it where it is looked for. When it fails,
   * the program continues.
   *
   * @returns what the snapshot is called there, which the program says as it ends
   */
  readonly onDurable?: ((written: WrittenSnapshot) => Promise<string>) | undefined;
  /** How long to wait for a safepoint, in milliseconds. */
  readonly timeout?: number | undefined;
  /** How long the program may stand still, as far as possible, in milliseconds; default: 20. */
  readonly pauseBudget?: number | undefined;
  /**
   * How written pages are tracked; 'none' copies everything while the program stands still. Other values are for tests.
   * Default: the best way there is.
   */
  readonly tracking?: TrackingWay | 'none' | undefined;
}

/** What is known of a snapshot that has been written, also when nobody here can read it. */
export interface WrittenSnapshot {
  readonly created: Date;
  /** sha256 of the program's module. */
  readonly module: string;
  /** The files of the ancestors that it needs, in order. */
  readonly ancestors: readonly string[];
}
