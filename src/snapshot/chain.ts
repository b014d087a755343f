/**
 * Finds the other files that a snapshot with a parent needs.
 *
 * A file is recognized by its digest alone. Names only say where to look first: beside the snapshot, then in the
 * folders that the user gave. Then every file in those folders is tried, as files may be renamed.
 */

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError, ToolError } from '../base/errors.js';
import { shortDigest, snapshotDigest } from './digest.js';
import { readFront } from './front.js';
import { decodePrologue, PROLOGUE_SIZE } from './prologue.js';
import type { Ancestor, LocatedFile, Snapshot, StoredSnapshot } from './snapshot.js';

export interface ChainPlaces {
  /** Files of its parent or of older ancestors. */
  readonly parents?: readonly string[] | undefined;
  /** Folders to search for them. */
  readonly search?: readonly string[] | undefined;
  /** Whether to search the folder of the snapshot's own file. Default: yes; not for a temporary copy. */
  readonly beside?: boolean | undefined;
}

/** How many files of a folder are examined. */
const FILES_MAX = 10_000;

/**
 * Adds the files of a snapshot's ancestors, each checked by its digest. A snapshot without ancestors is returned
 * unchanged.
 *
 * @throws InputError that names what is missing and says how to give it; ToolError when a file that was given, or that
 * has the right name, cannot be read
 */
export function locateAncestors(stored: StoredSnapshot, places: ChainPlaces = {}): StoredSnapshot {
  const { snapshot, path } = stored;
  const { ancestors = [] } = snapshot;
  const { parents = [], search = [], beside = true } = places;
  const given = parents.map((file) => givenFile(file, stored));
  if (ancestors.length === 0) return snapshot.ancestors === undefined ? stored : { ...stored, ancestors: [] };
  const folders = [...(beside ? [dirname(path)] : []), ...search];
  const finder = new Finder(given, folders);
  const found = ancestors.map((ancestor) => finder.find(ancestor));
  const missing = ancestors.filter((_, i) => found[i] === undefined);
  if (missing.length > 0) throw finder.problem ?? missingFiles(path, missing, folders);
  const located = found as Found[];
  checkPlaces(snapshot, located, path);
  return { ...stored, ancestors: located };
}

interface Found extends LocatedFile {
  readonly digest: string;
}

/** @throws InputError for a file that is no snapshot, or none of the chain: it must be a mistake */
function givenFile(file: string, { snapshot, path }: StoredSnapshot): Found {
  const found = readFound(file);
  const { parent, ancestors = [] } = snapshot;
  if (found.digest === parent || ancestors.some(({ digest }) => digest === found.digest)) return found;
  const wanted =
    parent === undefined
      ? 'it has no parent'
      : `it needs ${ancestors.map(describe).join(', ') || 'none'}, and ${file} is ${shortDigest(found.digest)}`;
  throw new InputError('wrong-parent', `${file}: is no parent of ${path}: ${wanted}`);
}

function readFound(path: string): Found {
  const { front, size } = readFront(path);
  const { headerOffset } = decodePrologue(front, size, path);
  return { path, prologue: front.subarray(0, PROLOGUE_SIZE), dataEnd: headerOffset, digest: snapshotDigest(front) };
}

class Finder {
  /** Why a file with the right name could not be read. */
  problem: ToolError | undefined;
  private scanned: Map<string, Found> | undefined;

  constructor(
    private readonly given: readonly Found[],
    private readonly folders: readonly string[],
  ) {}

  find({ digest, name }: Ancestor): Found | undefined {
    const own = this.given.find((file) => file.digest === digest);
    if (own !== undefined) return own;
    for (const folder of name === '' ? [] : this.folders) {
      const file = this.tryNamed(join(folder, name));
      if (file?.digest === digest) return file;
    }
    this.scanned ??= this.scan();
    return this.scanned.get(digest);
  }

  private tryNamed(path: string): Found | undefined {
    try {
      return readFound(path);
    } catch (error) {
      if (error instanceof ToolError && existsSync(path)) this.problem ??= error;
      return undefined;
    }
  }

  private scan(): Map<string, Found> {
    const all = new Map<string, Found>();
    for (const folder of this.folders) {
      for (const name of namesOf(folder)) {
        const file = tryFile(join(folder, name));
        if (file !== undefined && !all.has(file.digest)) all.set(file.digest, file);
      }
    }
    return all;
  }
}

/** Undefined when the file is no snapshot, or cannot be read. */
function tryFile(path: string): Found | undefined {
  try {
    return readFound(path);
  } catch {
    return undefined;
  }
}

function namesOf(folder: string): string[] {
  try {
    return readdirSync(folder).slice(0, FILES_MAX);
  } catch {
    return [];
  }
}

function missingFiles(path: string, missing: readonly Ancestor[], folders: readonly string[]): InputError {
  const where = folders.length === 0 ? 'it came through a pipe' : `not in ${folders.join(', ')}`;
  const what = missing.length === 1 ? 'a file that is' : `${missing.length} files that are`;
  return new InputError(
    'no-parent',
    `${path}: it is a difference to ${what} missing (${where}): give each with --parent FILE, or their folder with --search DIR`,
    missing.map((ancestor) => `  ${describe(ancestor)}`),
  );
}

function describe({ name, digest }: Ancestor): string {
  return `${name === '' ? 'a snapshot' : name} (digest ${shortDigest(digest)})`;
}

/** Checks that everything that the snapshot has in other files is within their data. @throws InputError */
function checkPlaces({ modules, instances }: Snapshot, files: readonly LocatedFile[], path: string): void {
  const check = (file: number | undefined, from: number | undefined, bytes: number, what: string) => {
    if (!file || from === undefined) return;
    const { dataEnd, path: other } = files[file - 1];
    if (from >= PROLOGUE_SIZE && from + bytes <= dataEnd) return;
    throw new InputError(
      'snapshot',
      `${path}: ${what}: goes beyond the data of ${other}: offset ${from + bytes} of ${dataEnd}`,
    );
  };
  for (const [i, { file, fileOffset, size }] of modules.entries()) check(file, fileOffset, size, `modules[${i}]`);
  for (const [i, { memories }] of instances.entries()) {
    for (const [k, { extents }] of memories.entries()) {
      for (const { file, fileOffset, bytes } of extents)
        check(file, fileOffset, bytes, `instances[${i}].memories[${k}]`);
    }
  }
}
