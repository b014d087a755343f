/** Reads a snapshot's file, which is opened when it is first read. */

import { closeSync, constants, fstatSync, openSync, read, readSync, type Stats } from 'node:fs';
import { InputError, reading } from '../base/errors.js';
import type { ByteSource } from './pages.js';

/** A shorter read is faster on this thread than on the pool. */
export const POOL_BYTES = 65536;

export class SnapshotFile implements ByteSource {
  readonly fileOffset = 0;
  private opened = -1;

  constructor(readonly path: string) {}

  /** @throws ToolError when the file cannot be opened */
  stat(): Stats {
    return fstatSync(this.open());
  }

  /** @throws InputError when the file is too short, ToolError when it cannot be read */
  bytes(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.readNow(offset, length, bytes, 0);
    return bytes;
  }

  read(offset: number, length: number, target: Buffer, at: number): Promise<void> | undefined {
    if (length >= POOL_BYTES) return this.readLater(offset, length, target, at);
    this.readNow(offset, length, target, at);
    return undefined;
  }

  /** @throws ToolError with the system's reason */
  use<T>(what: (fd: number) => T): T {
    return reading(this.path, () => what(this.open()));
  }

  /** Never fails: nothing was written, and what was read is complete. */
  close(): void {
    const fd = this.opened;
    this.opened = -1;
    try {
      if (fd >= 0) closeSync(fd);
    } catch {
      // the disk has failed meanwhile
    }
  }

  private open(): number {
    // A FIFO that nobody writes to would be waited for.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    if (this.opened < 0) this.opened = reading(this.path, () => openSync(this.path, flags));
    return this.opened;
  }

  private readNow(offset: number, length: number, target: Buffer, at: number): void {
    const fd = this.open();
    for (let done = 0; done < length; ) {
      const got = reading(this.path, () => readSync(fd, target, at + done, length - done, offset + done));
      if (got === 0) throw this.truncated(offset + done);
      done += got;
    }
  }

  private async readLater(offset: number, length: number, target: Buffer, at: number): Promise<void> {
    const fd = this.open();
    for (let done = 0; done < length; ) {
      const got = await readAsync(fd, target, at + done, length - done, offset + done).catch((error) =>
        reading(this.path, () => {
          throw error;
        }),
      );
      if (got === 0) throw this.truncated(offset + done);
      done += got;
    }
  }

  private truncated(offset: number): InputError {
    return new InputError('snapshot', `${this.path}: truncated at offset ${offset}`);
  }
}

/** Resolves to the number of bytes read. @throws the system's error */
export function readAsync(fd: number, target: Buffer, at: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, at, length, position, (error, got) => (error ? reject(error) : resolve(got)));
  });
}
