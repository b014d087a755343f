/** The files of a snapshot: its own and those of its ancestors. Each is opened when it is first read. */

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

  close(): void {
    for (const file of this.files) file?.close();
    this.files.length = 0;
  }
}

function checkFront(file: SnapshotFile, digest: string): void {
  if (snapshotDigest(file.bytes(0, Math.min(FRONT_SIZE, file.size))) === digest) return;
  throw new InputError('snapshot', `${file.path}: was replaced while it was being read: try again`);
}
