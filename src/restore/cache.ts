/**
 * Compiled images on disk, so that running or restoring the same module again does not compile it again.
 *
 * A folder of files `KEY-SIZE-CRC`: the key is a hash of everything the image depends on; size and CRC-32 of the file
 * are part of its name, so an entry that was cut short or damaged is noticed, deleted and made anew. Entries are
 * written under another name and renamed. The folder is bounded: the least recently used ones go first. Where it cannot
 * be written, there is no cache and nothing fails. Knows no image format.
 */

import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { crc32 } from 'node:zlib';

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

/** `$XDG_CACHE_HOME/wag-snap`, or `~/.cache/wag-snap`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'wag-snap');
}

export class ImageCache {
  constructor(
    readonly folder = cacheFolder(),
    readonly maxBytes = MAX_BYTES,
  ) {}

  /** The path of an intact entry, which is marked as just used; undefined when there is none. */
  find(key: ImageKey): string | undefined {
    const prefix = `${keyName(key)}-`;
    for (const name of this.names()) {
      if (!name.startsWith(prefix)) continue;
      const path = join(this.folder, name);
      try {
        if (name === entryName(key, readFileSync(path))) {
          const now = new Date();
          utimesSync(path, now, now);
          return path;
        }
        rmSync(path, { force: true });
      } catch {
        // It went away, or is not ours to read: as if it were not there.
      }
    }
    return undefined;
  }

  /** Stores an image and returns its path, or undefined when the folder cannot be written. */
  store(key: ImageKey, image: Uint8Array): string | undefined {
    const path = join(this.folder, entryName(key, image));
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileSync(temporary, image, { mode: 0o700 });
      chmodSync(temporary, 0o700);
      renameSync(temporary, path);
    } catch {
      remove(temporary);
      return undefined;
    }
    this.shrink(path);
    return path;
  }

  private names(): string[] {
    try {
      return readdirSync(this.folder);
    } catch {
      return [];
    }
  }

  /** Deletes the least recently used entries until the rest fits, and leftovers of writers that died. */
  private shrink(keep: string): void {
    const entries: { path: string; bytes: number; used: number }[] = [];
    for (const name of this.names()) {
      const path = join(this.folder, name);
      try {
        const { size, mtimeMs } = statSync(path);
        if (name.endsWith('.tmp') && Date.now() - mtimeMs > 3_600_000) remove(path);
        else entries.push({ path, bytes: size, used: mtimeMs });
      } catch {
        // Another process was faster.
      }
    }
    entries.sort((a, b) => b.used - a.used);
    let total = 0;
    for (const { path, bytes } of entries) {
      total += bytes;
      if (total > this.maxBytes && path !== keep) remove(path);
    }
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // A part of the path is no folder, or not ours.
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
