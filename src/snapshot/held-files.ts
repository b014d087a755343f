/**
 * Files that this process can read by their paths until it lets go of them, also after another tool has removed or
 * replaced them: it keeps a descriptor of each, and RawFile opens that.
 */

import { closeSync, constants, openSync, readSync } from 'node:fs';
import { reading } from '../base/errors.js';
import { fileError } from '../base/file-error.js';
import { pathOfDescriptor } from '../base/path-descriptor.js';

/** The last descriptor that holds a path, and how many do. */
const held = new Map<string, number[]>();

export class HeldFiles {
  private readonly opened: { readonly path: string; readonly fd: number }[] = [];

  /** @throws InputError 'not-found' when one is not there, ToolError when it cannot be opened; then none is held */
  constructor(paths: readonly string[]) {
    try {
      for (const path of paths) this.hold(path);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private hold(path: string): void {
    let fd: number;
    try {
      // A FIFO that nobody writes to would be waited for.
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw fileError(error, path);
    }
    this.opened.push({ path, fd });
    held.set(path, [...(held.get(path) ?? []), fd]);
  }

  /** The first bytes of one. @throws ToolError */
  head(path: string, length: number): Buffer {
    const { fd } = this.opened.find((file) => file.path === path) as { fd: number };
    const bytes = Buffer.alloc(length);
    return bytes.subarray(
      0,
      reading(path, () => readSync(fd, bytes, 0, length, 0)),
    );
  }

  /** Never fails: nothing was written. May be called twice. */
  close(): void {
    for (const { path, fd } of this.opened.splice(0)) {
      const others = (held.get(path) ?? []).filter((one) => one !== fd);
      if (others.length === 0) held.delete(path);
      else held.set(path, others);
      try {
        closeSync(fd);
      } catch {
        // the disk has failed meanwhile
      }
    }
  }
}

/** Where a file is opened that may be held. */
export function heldPath(path: string): string {
  const fd = held.get(path)?.at(-1);
  return fd === undefined ? path : pathOfDescriptor(fd);
}
