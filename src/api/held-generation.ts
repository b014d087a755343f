/** A generation of a store whose files can be read to their end, whatever another tool removes meanwhile. */

import { basename } from 'node:path';
import { InputError } from '../base/errors.js';
import { nameTemporary } from '../base/temporary-names.js';
import { HeldFiles } from '../snapshot/held-files.js';
import type { GenerationFiles } from '../snapshot/store/generation.js';
import { LinkedFiles } from '../snapshot/store/linked-files.js';
import { type Reference, referenceText } from '../snapshot/store/reference.js';
import { noGeneration, type SnapshotStore } from '../snapshot/store/store.js';

export interface HeldGeneration {
  readonly found: GenerationFiles;
  /** The caller closes them. */
  readonly files: HeldFiles;
  /** Links to the files, for a program that this process becomes. @returns undefined when there can be none */
  link(): LinkedFiles | undefined;
}

/**
 * Finds a generation, and opens its files. Another tool may remove or replace it at any moment: then it is looked for
 * again.
 *
 * @param others as for noGeneration. @throws InputError 'no-generation', 'not-found' for a file that is missing; ToolError
 */
export function hold(store: SnapshotStore, reference: Reference, others?: string): HeldGeneration {
  for (let before: string | undefined; ; ) {
    const found = store.find(reference);
    if (found === undefined) throw noGeneration(store, reference, others);
    const { path, parents, generation, manifest } = found;
    const title = referenceText(generation.name, generation.tag);
    const paths = [path, ...parents];
    for (const file of paths) nameTemporary(file, file === path ? title : `${title}: ${basename(file)}`);
    try {
      return { found, files: new HeldFiles(paths), link: () => LinkedFiles.of(store.folder, paths) };
    } catch (error) {
      const isGone = error instanceof InputError && error.code === 'not-found' && manifest !== before;
      if (!isGone) throw error;
      before = manifest;
    }
  }
}
