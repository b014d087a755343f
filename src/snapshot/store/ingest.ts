/**
 * A generation that is being added to a store: a folder of its own there, which is removed when the tool that made it
 * has ended.
 *
 * The folder has hard links (link(2)) to the files that the new generation may need. So these files stay, whatever is
 * removed from the store meanwhile.
 */

import { existsSync, linkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { BugError, InputError, writeFailure } from '../../base/errors.js';
import { makeTemporaryFolder, removeTemporary } from '../../base/temporary.js';
import { nameTemporary } from '../../base/temporary-names.js';
import { type Blob, type Blobs, digestFile } from './blobs.js';
import { makeFolders } from './folders.js';
import { copySparse } from './sparse-copy.js';

/** The folder of a store with the files that are being added. */
export const INGEST = 'ingest';
/** Errors of link(2) on file systems without links, and when a file has as many as it may. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS', 'EMLINK'];

export class Ingest {
  private readonly folder: string;
  private readonly store: string;
  /** Blobs whose files are in the folder, by digest. */
  private readonly files = new Map<string, string>();

  /** @throws ToolError when the store cannot be written to */
  constructor(
    store: string,
    private readonly blobs: Blobs,
  ) {
    this.store = store;
    const parent = join(store, INGEST);
    makeFolders(parent);
    this.folder = makeTemporaryFolder(parent);
  }

  /** A path in the folder. */
  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /** A durable file of the folder is the one of this digest, which was checked while it came. */
  received(name: string, blob: Blob): void {
    this.files.set(blob.digest, this.pathOf(name));
  }

  /** Digests a durable file of the folder, which is to become a blob. */
  async digest(name: string, onBytes?: (bytes: number) => void): Promise<Blob> {
    const received = this.keptAs(this.pathOf(name));
    if (received !== undefined) return { digest: received, size: statSync(this.pathOf(name)).size };
    const blob = await digestFile(this.pathOf(name), onBytes);
    this.files.set(blob.digest, this.pathOf(name));
    return blob;
  }

  /**
   * Keeps a blob of the store until close(). It is copied where the file system has no links, or no more of them.
   *
   * @returns its path here. @throws InputError 'changed' when the blob is gone; ToolError
   */
  async keep(digest: string): Promise<string> {
    const path = this.blobs.pathOf(digest);
    const own = this.pathOf(basename(path));
    if (this.files.has(digest)) return own;
    try {
      linkSync(path, own);
    } catch (error) {
      if (!existsSync(path)) throw new InputError('changed', `${path}: another tool has removed it meanwhile`);
      if (!NO_LINKS.includes((error as NodeJS.ErrnoException).code ?? '')) throw writeFailure(path, error);
      await this.copy(path, basename(own));
    }
    this.files.set(digest, own);
    return own;
  }

  /** The blob that a path of this folder is kept for; undefined for all others. */
  keptAs(path: string): string | undefined {
    for (const [digest, file] of this.files) if (file === path) return digest;
    return undefined;
  }

  /**
   * Copies a file into the folder. The copy shares its blocks where the file system can do that.
   *
   * @param check called now and then; may throw to give up. @throws ToolError that names the other file, or the store
   */
  async copy(from: string, name: string, check: () => void = () => {}): Promise<void> {
    const path = this.pathOf(name);
    nameTemporary(path, from);
    try {
      await copySparse(from, path, async () => {
        await nextTurn();
        check();
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      throw writeFailure(this.store, error);
    }
  }

  /** Where the file of a blob is that is being added. */
  fileOf({ digest }: Blob): string {
    const file = this.files.get(digest);
    if (file === undefined) throw new BugError(`${digest}: is not being added to the store`);
    return file;
  }

  /** Moves the file of a blob to its place. Only while the store is locked. @throws ToolError */
  deliver(blob: Blob): void {
    this.blobs.adopt(this.fileOf(blob), blob.digest);
  }

  /** Removes the folder with what is left in it. Never fails. */
  close(): void {
    removeTemporary(this.folder);
  }
}
