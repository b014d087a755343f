/**
 * Writes a snapshot as a difference to a parent: finds what the parent has of each memory, and at the end which files
 * of the parent's chain are still needed.
 */

import { basename } from 'node:path';
import { BugError, InputError, LimitError } from '../base/errors.js';
import { ChainFiles } from './chain-files.js';
import { ANCESTORS_MAX } from './header-schema.js';
import { MemoryDifference } from './page-difference.js';
import { pageDigests } from './page-digests.js';
import type { PageFile } from './page-file.js';
import type { LivePageSink } from './pages.js';
import type { Ancestor, SnapshotInstance, SnapshotModule, StoredSnapshot } from './snapshot.js';
import { StoredMemory } from './stored-pages.js';

/** What a snapshot says about its chain. */
export interface Lineage {
  readonly parent: string;
  readonly readers?: readonly string[] | undefined;
  readonly ancestors: readonly Ancestor[];
  readonly instances: readonly SnapshotInstance[];
  readonly modules: readonly SnapshotModule[];
}

export class Difference {
  private readonly files: ChainFiles;

  /**
   * @param parent the parent, whose ancestors have been found
   * @param hashes sha256 of the modules, in order
   * @throws InputError when the parent is of another program, or its pages have no digests
   */
  constructor(
    private readonly parent: StoredSnapshot,
    hashes: readonly string[],
  ) {
    const { path, snapshot } = parent;
    const { modules } = snapshot;
    if (modules.length !== hashes.length || modules.some(({ sha256 }, i) => sha256 !== hashes[i])) {
      const names = modules.map(({ name, sha256 }) => `${name || 'a module'} (sha256 ${sha256.slice(0, 16)}…)`);
      throw new InputError(
        'wrong-parent',
        `${path}: cannot be the parent: it is of another program, ${names.join(', ')}`,
      );
    }
    if (pageDigests(snapshot) === undefined) {
      throw new InputError(
        'wrong-parent',
        `${path}: cannot be the parent: its pages have no digests, as an earlier wag-snap wrote it: ` +
          `capture once without --parent, or make a new file of it with wag-snap compact`,
      );
    }
    this.files = new ChainFiles(parent);
  }

  /**
   * The place of a module's binary in the parent's files, by this snapshot's file numbers; undefined when the parent
   * has none.
   */
  module(index: number): Pick<SnapshotModule, 'file' | 'fileOffset'> | undefined {
    const { fileOffset, file = 0 } = this.parent.snapshot.modules[index];
    return fileOffset === undefined ? undefined : { fileOffset, file: file + 1 };
  }

  /** Takes the memories of all instances, in order. File numbers are the parent's plus 1. */
  sink(room: PageFile): LivePageSink {
    const stored = this.parent.snapshot.instances.flatMap(({ memories }) => memories);
    let next = 0;
    const openMemory = () => {
      const memory = stored[next++];
      return new MemoryDifference(memory && new StoredMemory(this.files, memory), room);
    };
    return {
      openMemory,
      takePages: async (source, onBytes) => {
        const memory = openMemory();
        await memory.take(source, onBytes);
        return memory.placed();
      },
      takeContents: (source, size, onBytes) => room.takeContents(source, size, onBytes),
    };
  }

  /** Renumbers the files, leaving out those that are not needed any more. @throws LimitError */
  lineage(instances: readonly SnapshotInstance[], modules: readonly SnapshotModule[]): Lineage {
    const { path, digest, snapshot } = this.parent;
    if (digest === undefined) throw new BugError('a parent that is no file');
    const all: Ancestor[] = [{ digest, name: shownName(path) }, ...(snapshot.ancestors ?? [])];
    const extents = instances.flatMap(({ memories }) => memories.flatMap((memory) => memory.extents));
    const used = new Set([...extents, ...modules].map(({ file = 0 }) => file));
    const ancestors = all.filter((_, i) => used.has(i + 1));
    if (ancestors.length > ANCESTORS_MAX) {
      throw new LimitError(
        'chain',
        `${path}: a snapshot may need ${ANCESTORS_MAX} other files, and this one would need ${ancestors.length}: ` +
          `make the parent one file with wag-snap compact, or capture without --parent`,
      );
    }
    const numbers = [0, ...all.map((ancestor) => ancestors.indexOf(ancestor) + 1)];
    const renumbered = <T extends { readonly file?: number | undefined }>(part: T): T =>
      part.file ? { ...part, file: numbers[part.file] } : part;
    return {
      parent: digest,
      readers: snapshot.readers,
      ancestors,
      modules: modules.map(renumbered),
      instances: instances.map((instance) => ({
        ...instance,
        memories: instance.memories.map((memory) => ({ ...memory, extents: memory.extents.map(renumbered) })),
      })),
    };
  }

  close(): void {
    this.files.close();
  }
}

/** A name that the format allows. */
function shownName(path: string): string {
  const name = basename(path);
  return name.length <= 255 && !name.includes('\0') ? name : '';
}
