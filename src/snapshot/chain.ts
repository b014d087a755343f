/**
 * Finds the other files that a snapshot with a parent needs.
 *
 * A file is recognized by its digest alone. Names only say where to look first: beside the snapshot, then in the
 * folders that the user gave. Then every file in those folders is tried, as files may be renamed.
 */

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError, ToolError, WagSnapError } from '../base/errors.js';
import { FRONT_SIZE, shortDigest, snapshotDigest } from './digest.js';
import { Opener } from './opener.js';
import { decodePrologue, PROLOGUE_SIZE } from './prologue.js';
import type { Ancestor, LocatedFile, Snapshot, StoredSnapshot } from './snapshot.js';
import { SnapshotFile } from './snapshot-file.js';

export interface ChainPlaces {
  /** Files of its parent or of older ancestors. */
  readonly parents?: readonly string[] | undefined;
  /** Folders to search for them. */
  readonly search?: readonly string[] | undefined;
  /** Whether to search the folder of the snapshot's own file. Default: yes; not for a temporary copy. */
  readonly beside?: boolean | undefined;
  /** What opens encrypted files. Ancestors need no signature, as their digests are in the snapshot. */
  readonly opener?: Opener | undefined;
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
export async function locateAncestors(stored: StoredSnapshot, places: ChainPlaces = {}): Promise<StoredSnapshot> {
  const { snapshot, path } = stored;
  const { ancestors = [] } = snapshot;
  const { parents = [], search = [], beside = true, opener = new Opener() } = places;
  const given: Found[] = [];
  for (const file of parents) given.push(await givenFile(file, stored, opener));
  if (ancestors.length === 0) return snapshot.ancestors === undefined ? stored : { ...stored, ancestors: [] };
  const folders = [...(beside ? [dirname(path)] : []), ...search];
  const finder = new Finder(given, folders, opener);
  const found: (Found | undefined)[] = [];
  for (const ancestor of ancestors) found.push(await finder.find(ancestor));
  const missing = ancestors.filter((_, i) => found[i] === undefined);
  if (missing.length > 0) throw finder.problem ?? missingFiles(path, missing, folders, finder.wrong);
  const located = found as Found[];
  const plain = located.find(({ packing }) => packing?.key === undefined);
  if (stored.mustBeEncrypted && plain !== undefined) {
    throw new InputError(
      'untrusted',
      `${plain.path}: is not encrypted, and ${path} needs it: a policy demands it of all`,
    );
  }
  checkPlaces(snapshot, located, path);
  return { ...stored, ancestors: located };
}

interface Found extends LocatedFile {
  readonly digest: string;
}

/** @throws InputError for a file that is no snapshot, or none of the chain: it must be a mistake */
async function givenFile(file: string, { snapshot, path }: StoredSnapshot, opener: Opener): Promise<Found> {
  const found = await readFound(file, opener);
  const { parent, ancestors = [] } = snapshot;
  if (found.digest === parent || ancestors.some(({ digest }) => digest === found.digest)) return found;
  const wanted =
    parent === undefined
      ? 'it has no parent'
      : `it needs ${ancestors.map(describe).join(', ') || 'none'}, and ${file} is ${shortDigest(found.digest)}`;
  throw new InputError('wrong-parent', `${file}: is no parent of ${path}: ${wanted}`);
}

/** @param onOpened told when it is a snapshot, and can be read */
async function readFound(path: string, opener: Opener, onOpened = () => {}): Promise<Found> {
  const { packing } = await opener.open(path);
  onOpened();
  const file = new SnapshotFile(path, packing);
  try {
    const { size } = file;
    const front = file.bytes(0, Math.min(FRONT_SIZE, size));
    const { headerOffset } = decodePrologue(front, size, path);
    const found = {
      path,
      prologue: front.subarray(0, PROLOGUE_SIZE),
      dataEnd: headerOffset,
      digest: snapshotDigest(front),
    };
    return packing === undefined ? found : { ...found, packing };
  } finally {
    file.close();
  }
}

class Finder {
  /** Why a file with the right name could not be read. */
  problem: WagSnapError | undefined;
  /** What is known of files that have the name of an ancestor and are not it, by its digest. */
  readonly wrong = new Map<string, string>();
  private scanned: Map<string, Found> | undefined;

  constructor(
    private readonly given: readonly Found[],
    private readonly folders: readonly string[],
    private readonly opener: Opener,
  ) {}

  async find({ digest, name }: Ancestor): Promise<Found | undefined> {
    const own = this.given.find((file) => file.digest === digest);
    if (own !== undefined) return own;
    for (const folder of name === '' ? [] : this.folders) {
      const path = join(folder, name);
      const file = await this.tryNamed(path, digest);
      if (file?.digest === digest) return file;
      if (file !== undefined)
        this.wrong.set(digest, `${path} is another snapshot (digest ${shortDigest(file.digest)})`);
    }
    this.scanned ??= await this.scan();
    return this.scanned.get(digest);
  }

  private async tryNamed(path: string, digest: string): Promise<Found | undefined> {
    let isSnapshot = false;
    try {
      return await readFound(path, this.opener, () => {
        isSnapshot = true;
      });
    } catch (error) {
      const isDamaged = isSnapshot && error instanceof WagSnapError;
      if (!existsSync(path)) return undefined;
      if (isDamaged || isReason(error)) this.problem ??= error;
      else if (error instanceof WagSnapError) this.wrong.set(digest, error.headline);
      return undefined;
    }
  }

  private async scan(): Promise<Map<string, Found>> {
    const all = new Map<string, Found>();
    for (const folder of this.folders) {
      for (const name of namesOf(folder)) {
        const file = await tryFile(join(folder, name), this.opener);
        if (file !== undefined && !all.has(file.digest)) all.set(file.digest, file);
      }
    }
    return all;
  }
}

/** Whether an error says why a file that may be the right one is not known to be it. */
function isReason(error: unknown): error is WagSnapError {
  if (error instanceof InputError) return error.code === 'encrypted' || error.code === 'wrong-identity';
  return error instanceof ToolError;
}

/** Undefined when the file is no snapshot, or cannot be read. */
async function tryFile(path: string, opener: Opener): Promise<Found | undefined> {
  try {
    return await readFound(path, opener);
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

function missingFiles(
  path: string,
  missing: readonly Ancestor[],
  folders: readonly string[],
  wrong: ReadonlyMap<string, string>,
): InputError {
  const where = folders.length === 0 ? 'it came through a pipe' : `not in ${folders.join(', ')}`;
  const what = missing.length === 1 ? 'a file that is' : `${missing.length} files that are`;
  return new InputError(
    'no-parent',
    `${path}: it is a difference to ${what} missing (${where}): give each with --parent FILE, or their folder with --search DIR`,
    missing.map((ancestor) => {
      const why = wrong.get(ancestor.digest);
      return `  ${describe(ancestor)}${why === undefined ? '' : `: ${why}`}`;
    }),
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
