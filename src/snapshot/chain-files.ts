/**
 * The files of a snapshot: its own and those of its ancestors. Each is opened when it is first read. Whoever reads for a
 * long time opens all of them at once: an open file can still be read after it was removed.
 */

import { BugError, InputError } from '../base/errors.js';
import { FRONT_SIZE, snapshotDigest } from './digest.js';
import type { StoredSnapshot } from './snapshot.js';
import { SnapshotFile } from './snapshot-file.js';

export class ChainFiles {
  private readonly files: (SnapshotFile | undefined)[] = [];

  /** @param stored a snapshot whose ancestors, if any, have been found (chain.ts) */
  constructor(private readonly stored: StoredSnapshot) {}

  /** The snapshot's own file. */
  get own(): SnapshotFile {
    return this.file(0);
  }

  /**
   * @param number a file number as in Extent.file
   * @throws InputError when another file has taken an ancestor's name
   */
  file(number: number): SnapshotFile {
    const known = this.files[number];
    if (known !== undefined) return known;
    const { path, packing, snapshot, ancestors, absent } = this.stored;
    if (number > 0 && ancestors === undefined) throw new BugError(`${path}: its ancestors were not looked for`);
    const place = number === 0 ? { path, packing } : ancestors![number - 1];
    const opened = new SnapshotFile(place.path, place.packing, absent);
    this.files[number] = opened;
    if (number > 0) checkFront(opened, snapshot.ancestors![number - 1].digest);
    return opened;
  }

  /** Opens all files now. @throws as file(); then none stays open */
  openAll(): void {
    try {
      for (let number = this.stored.ancestors?.length ?? 0; number >= 0; number--) this.file(number).stat();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const file of this.files) file?.close();
    this.files.length = 0;
  }
}

function checkFront(file: SnapshotFile, digest: string): void {
  if (snapshotDigest(file.bytes(0, Math.min(FRONT_SIZE, file.size))) === digest) return;
  throw new InputError('snapshot', `${file.path}: was replaced while it was being read: try again`);
}
