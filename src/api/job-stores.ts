/**
 * The snapshots of jobs: a store for each job, in a folder of its own below that of the node. So captures of different jobs
 * wait for no lock of each other's, and cost as much with thousands of jobs as with one.
 */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../base/errors.js';
import { isStore, makeFolders } from '../snapshot/store/folders.js';
import { parseReference, tagNumber } from '../snapshot/store/reference.js';
import { createStore, type GenerationFiles, openStore, type Store } from './store.js';

export class JobStores {
  private constructor(readonly folder: string) {}

  /** @throws InputError when the folder is a store itself, and so may hold other people's snapshots; ToolError */
  static open(folder: string): JobStores {
    const path = resolve(folder);
    if (isStore(path)) {
      const why = 'is a store itself: a node keeps a store for each job in folders below its own; name another folder';
      throw new InputError('store', `${path}: ${why}`);
    }
    makeFolders(path);
    return new JobStores(path);
  }

  private folderOf(job: string): string {
    return join(this.folder, job);
  }

  /** The store of a job, which is made if there is none. @throws InputError, ToolError */
  of(job: string): Promise<Store> {
    return createStore(this.folderOf(job));
  }

  /** @throws InputError 'no-store', 'no-generation'; ToolError */
  async find(reference: string): Promise<GenerationFiles> {
    const folder = this.folderOf(parseReference(reference).name);
    if (!existsSync(folder)) {
      throw new InputError(
        'no-store',
        `${reference}: there is no ${folder}: it is not the store that other nodes have`,
      );
    }
    return (await openStore(folder)).find(reference);
  }

  /**
   * Removes the generations of a job that are older than the one in its record. Those that are newer are not in it yet.
   * Those with tags that nodes do not choose are the user's.
   */
  async removeBefore(reference: string): Promise<void> {
    const { name, tag } = parseReference(reference);
    const store = await openStore(this.folderOf(name));
    const all = store.list([name]).map((generation) => generation.tag);
    const old = all.slice(0, Math.max(0, all.indexOf(tag ?? ''))).filter((one) => tagNumber(one) > 0);
    if (old.length > 0) await store.remove(old.map((one) => `${name}:${one}`));
  }
}
