/**
 * Beginnings of blobs that a tool was fetching when it gave up: the next one goes on from there. They are beside the
 * folders of tools that add to the store (ingest.ts), as HEX.part. A tool has one for itself while its file is in its
 * folder.
 */

import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { INGEST } from './ingest.js';

const PART = /^[0-9a-f]{64}\.part$/;
const KEPT = 86_400_000; // milliseconds

export class Parts {
  private readonly folder: string;

  constructor(store: string) {
    this.folder = join(store, INGEST);
  }

  /** Moves what there is of a blob to `path`. Never fails: nothing may be there. */
  take(digest: string, path: string): void {
    try {
      renameSync(this.pathOf(digest), path);
    } catch {
      // the blob is fetched from its start
    }
  }

  /** Leaves what is at `path` for the next tool. Never fails. */
  leave(digest: string, path: string): void {
    try {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) renameSync(path, this.pathOf(digest));
    } catch {
      // the next tool begins anew
    }
  }

  /** Removes those that nobody has come back for in a day. Never fails. @returns how many */
  removeOld(): number {
    let count = 0;
    try {
      for (const name of readdirSync(this.folder).filter((one) => PART.test(one))) {
        const path = join(this.folder, name);
        if (Date.now() - statSync(path).mtimeMs <= KEPT) continue;
        rmSync(path, { force: true });
        count++;
      }
    } catch {
      // there is no folder, or another tool was quicker
    }
    return count;
  }

  private pathOf(digest: string): string {
    return join(this.folder, `${digest.slice('sha256:'.length)}.part`);
  }
}
