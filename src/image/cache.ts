/**
 * Compiled images on disk, so that running or restoring the same module again does not compile it again.
 *
 * A folder of files `KEY-SIZE-CRC`. The key is a hash of everything that the image depends on. A file's size and CRC-32
 * are part of its name, so a truncated or damaged entry is noticed, deleted and made again. Entries are written under
 * another name and then renamed. The folder's size is limited: the least recently used entries are removed first. Only
 * regular files with names like these are read or deleted. An entry is a program that we start. So there is no cache,
 * and nothing fails, where the folder cannot be written, is a link, or may be written by somebody else. This file does
 * not know the image format.
 */

import { createHash } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { removeStale, removeTemporary, temporaryPath } from '../base/temporary.js';
import { trace } from '../base/trace.js';
import { findUserFolder } from '../base/user-folders.js';

/** Everything that a compiled image depends on. */
export interface ImageKey {
  /** sha256 of the module, in lower-case hex. */
  readonly module: string;
  readonly target: string;
  /** The compiler's version: different for any two builds that emit different code. */
  readonly compiler: string;
  /** Options that change the image, in any order. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

const MAX_BYTES = 2 ** 30;
const ENTRY = /^[0-9a-f]{40}-[0-9a-f]+-[0-9a-f]+$/;

/** Whether `name` is a cache entry's. Such a name says what is in the file, but nothing to people. */
export function isCacheEntry(name: string): boolean {
  return ENTRY.test(name);
}

/** `$XDG_CACHE_HOME/wag-snap`, or `~/.cache/wag-snap`; undefined for a user without a home. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return findUserFolder('XDG_CACHE_HOME', env);
}

export class ImageCache {
  private handle: number | undefined;

  constructor(
    /** Undefined: nothing is ever found or stored. */
    readonly folder = cacheFolder(),
    readonly maxBytes = MAX_BYTES,
  ) {}

  /** The path of an intact entry, which is marked as just used; undefined when there is none. */
  find(key: ImageKey): string | undefined {
    const path = this.look(key);
    trace('cache', () =>
      path === undefined ? `${keyName(key)}-… is not in ${this.folder}` : `found ${basename(path)}`,
    );
    return path;
  }

  private look(key: ImageKey): string | undefined {
    const prefix = `${keyName(key)}-`;
    const folder = this.open(false);
    if (folder === undefined) return undefined;
    for (const name of entryNames(folder)) {
      if (!name.startsWith(prefix)) continue;
      const path = join(folder, name);
      try {
        if (name === entryName(key, readEntry(path))) {
          const now = new Date();
          lutimesSync(path, now, now);
          return path;
        }
        trace('cache', () => `${name} is damaged: removed`);
        unlinkSync(path);
      } catch {
        // It was removed, or is not ours to read: as if it did not exist.
      }
    }
    return undefined;
  }

  /** Stores an image and returns its path, or undefined when the folder cannot be written. */
  store(key: ImageKey, image: Uint8Array): string | undefined {
    const folder = this.open(true);
    if (folder === undefined) return undefined;
    const path = join(folder, entryName(key, image));
    const temporary = temporaryPath(path);
    try {
      removeStale(folder, '.', 'files');
      writeFileSync(temporary, image, { mode: 0o700, flag: 'wx' });
      renameSync(temporary, path);
    } catch {
      removeTemporary(temporary);
      trace('cache', () => `nothing can be stored in ${this.folder}`);
      return undefined;
    }
    trace('cache', () => `stored ${entryName(key, image)}, ${image.length} bytes`);
    this.shrink(folder, path);
    return path;
  }

  /** Whether images can be kept. Creates the folder if it is missing. */
  isUsable(): boolean {
    const folder = this.open(true);
    if (folder === undefined) return false;
    try {
      accessSync(folder, constants.W_OK | constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.handle !== undefined) closeSync(this.handle);
    this.handle = undefined;
  }

  /**
   * Opens the folder as a descriptor that stays open, so that the checked folder is the one that is used, whatever its
   * path leads to later. The path through the descriptor works in other processes, too, as long as this one lives.
   */
  private open(create: boolean): string | undefined {
    if (this.folder === undefined) return undefined;
    try {
      if (this.handle === undefined) {
        if (create) makeFolder(this.folder);
        this.handle = openSync(this.folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
        if (!isOurs(fstatSync(this.handle))) this.close();
      }
    } catch {
      // It does not exist, is a link, or belongs to somebody else.
    }
    return this.handle === undefined ? undefined : `/proc/${process.pid}/fd/${this.handle}`;
  }

  /** Deletes the least recently used entries until the rest fits. Leaves other files alone. */
  private shrink(folder: string, keep: string): void {
    const entries: { path: string; bytes: number; used: number }[] = [];
    for (const name of entryNames(folder)) {
      const path = join(folder, name);
      try {
        const stat = lstatSync(path);
        if (stat.isFile()) entries.push({ path, bytes: stat.size, used: stat.mtimeMs });
      } catch {
        // Another process has removed it.
      }
    }
    entries.sort((a, b) => b.used - a.used);
    let total = 0;
    for (const { path, bytes } of entries) {
      total += bytes;
      if (total <= this.maxBytes || path === keep) continue;
      trace('cache', () => `full: removes ${basename(path)}`);
      try {
        unlinkSync(path);
      } catch {
        // Another process has removed it, or it cannot be removed.
      }
    }
  }
}

/** Whoever may write to the folder could make us run anything, even as root with another user's HOME. */
function isOurs({ uid, mode }: Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

/**
 * Creates the folder and its parents. mkdir's `recursive` never returns for a folder that cannot be created in /proc.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** The names of the entries in the folder. */
function entryNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isCacheEntry);
  } catch {
    return [];
  }
}

/** @throws when it is not a regular file */
function readEntry(path: string): Uint8Array {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw new Error('not an entry');
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}

function keyName(key: ImageKey): string {
  const options = Object.entries(key.options).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([key.module, key.target, key.compiler, options]);
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}

function entryName(key: ImageKey, image: Uint8Array): string {
  return `${keyName(key)}-${image.length.toString(16)}-${crc32(image).toString(16)}`;
}
