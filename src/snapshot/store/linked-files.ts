/**
 * Files of a store that stay for a program which this process is about to become (execve(2) closes descriptors, and the
 * program opens the files by their paths): links in a folder of `ingest/`. The folder is named after this process, which
 * the program then is, so prune removes it when the program has ended.
 */

import { linkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { makeTemporaryFolder, removeTemporary } from '../../base/temporary.js';
import { nameTemporary } from '../../base/temporary-names.js';
import type { StoredSnapshot } from '../snapshot.js';
import { makeFolders } from './folders.js';
import { INGEST } from './ingest.js';

export class LinkedFiles {
  /** The links by the paths of the files. */
  private readonly links = new Map<string, string>();

  private constructor(private readonly folder: string) {}

  /** @returns undefined when one is gone, or the store takes no links */
  static of(store: string, paths: readonly string[]): LinkedFiles | undefined {
    let linked: LinkedFiles | undefined;
    try {
      const parent = join(store, INGEST);
      makeFolders(parent);
      linked = new LinkedFiles(makeTemporaryFolder(parent));
      for (const path of paths) linked.add(path);
      return linked;
    } catch {
      linked?.close();
      return undefined;
    }
  }

  private add(path: string): void {
    const link = join(this.folder, basename(path));
    linkSync(path, link);
    nameTemporary(link, path);
    this.links.set(path, link);
  }

  /** The snapshot with the links in the place of its files. */
  replaced(stored: StoredSnapshot): StoredSnapshot {
    const linked = <T extends { readonly path: string }>(file: T) => ({
      ...file,
      path: this.links.get(file.path) ?? file.path,
    });
    const { ancestors } = stored;
    return { ...linked(stored), ...(ancestors === undefined ? {} : { ancestors: ancestors.map(linked) }) };
  }

  /** Removes the folder. Never fails. */
  close(): void {
    removeTemporary(this.folder);
  }
}
