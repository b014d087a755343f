/**
 * Compiled images on disk, so that running or restoring the same module again does not compile it again.
 *
 * A folder of files `KEY-SIZE-CRC`: the key is a hash of everything the image depends on; size and CRC-32 of the file
 * are part of its name, so an entry that was cut short or damaged is noticed, deleted and made anew. Entries are
 * written under another name and renamed. The folder is bounded: the least recently used ones go first. Only regular
 * files with names like these are ever looked at or deleted. Where the folder cannot be written, is a link, or somebody
 * else could write to it (an entry is a program that we start), there is no cache and nothing fails. Knows no image
 * format.
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
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { removeStale, removeTemporary, temporaryPath } from '../base/temporary.js';
import { trace } from '../base/trace.js';

/** Everything that a compiled image depends on. */
export interface ImageKey {
  /** sha256 of the module, lower-case hex. */
  readonly module: string;
  readonly target: string;
  /** The compiler's version: two builds that emit different code must differ in it. */
  readonly compiler: string;
  /** Options that change the image, in any order. */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

const MAX_BYTES = 2 ** 30;
const ENTRY = /^[0-9a-f]{40}-[0-9a-f]+-[0-9a-f]+$/;

/** Whether `name` is that of a file of the cache: it says what is in the file, and nothing to people. */
export function isCacheEntry(name: string): boolean {
  return ENTRY.test(name);
}

/** `$XDG_CACHE_HOME/wag-snap`, or `~/.cache/wag-snap`; undefined for a user without a home. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const xdg = env['XDG_CACHE_HOME'];
  if (xdg && isAbsolute(xdg)) return join(xdg, 'wag-snap');
  try {
    return join(homedir(), '.cache', 'wag-snap');
  } catch {
    return undefined;
  }
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
        // It went away, or is not ours to read: as if it were not there.
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

  /** Whether images are kept: makes the folder if it is not there. */
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
   * The folder, by a descriptor that stays open: what was checked is what is used, whatever its path is by then. The
   * path below works in other processes too, as long as this one lives.
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
      // There is none, or it is a link, or somebody else's.
    }
    return this.handle === undefined ? undefined : `/proc/${process.pid}/fd/${this.handle}`;
  }

  /** Deletes the least recently used entries until the rest fits. Other files than ours are nobody's business here. */
  private shrink(folder: string, keep: string): void {
    const entries: { path: string; bytes: number; used: number }[] = [];
    for (const name of entryNames(folder)) {
      const path = join(folder, name);
      try {
        const stat = lstatSync(path);
        if (stat.isFile()) entries.push({ path, bytes: stat.size, used: stat.mtimeMs });
      } catch {
        // Another process was faster.
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
        // Another process was faster, or it stays.
      }
    }
  }
}

/** Whoever may write to the folder could have us run anything: also when we are root with another user's HOME. */
function isOurs({ uid, mode }: Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o022) === 0;
}

/** With its parents. Not by mkdir's `recursive`, which never returns for a folder that cannot be made in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** The names in the folder that entries have. */
function entryNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isCacheEntry);
  } catch {
    return [];
  }
}

/** @throws when it is no regular file */
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
