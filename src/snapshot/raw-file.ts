/** Reads the bytes of a file as they are stored. It is opened when it is first read. */

import { closeSync, constants, fstatSync, openSync, read, readSync, type Stats } from 'node:fs';
import { InputError, reading } from '../base/errors.js';
import { fileError } from '../base/file-error.js';
import { heldPath } from './held-files.js';

/** A shorter read is faster on this thread than on the pool. */
export const POOL_BYTES = 65536;

export class RawFile {
  private opened = -1;

  constructor(readonly path: string) {}

  /** @throws InputError when there is no such file, ToolError when it cannot be opened, or the disk has failed */
  stat(): Stats {
    return this.use((fd) => fstatSync(fd));
  }

  /** @throws InputError when the file is too short, ToolError when it cannot be read */
  bytes(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    this.readNow(offset, length, bytes, 0);
    return bytes;
  }

  async bytesLater(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    await this.readLater(offset, length, bytes, 0);
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
    try {
      if (this.opened < 0) this.opened = openSync(heldPath(this.path), flags);
      return this.opened;
    } catch (error) {
      throw fileError(error, this.path);
    }
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
