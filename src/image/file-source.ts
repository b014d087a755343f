/** Random access to the bytes of an image: in memory, by path or by descriptor. A read gives all bytes or throws. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { InputError, systemReason, ToolError } from '../base/errors.js';

/** The most bytes of one read. */
const READ_MAX = 2 ** 31;

export class FileSource {
  readonly size: number;
  private readonly bytes: Uint8Array | undefined;
  /** -1 when the bytes are in memory. */
  readonly fd: number;
  private readonly owned: boolean;

  /** @param source bytes, a path, or an open descriptor, which the caller closes */
  constructor(source: Uint8Array | string | number) {
    this.fd = -1;
    this.owned = false;
    if (source instanceof Uint8Array) {
      this.bytes = source;
      this.size = source.length;
      return;
    }
    this.owned = typeof source === 'string';
    try {
      this.fd = typeof source === 'string' ? openSync(source, 'r') : source;
    } catch (error) {
      throw new ToolError('open', `${source}: cannot be read: ${systemReason(error)}`);
    }
    this.size = fstatSync(this.fd).size;
  }

  /** @throws InputError 'damaged-image' when the file is too short */
  read(offset: number, size: number): Uint8Array {
    if (size > READ_MAX) throw new InputError('damaged-image', `damaged image: a part of it has ${size} bytes`);
    if (!(offset >= 0 && size >= 0 && offset + size <= this.size)) {
      throw new InputError('damaged-image', `damaged image: ${size} bytes at ${offset} lie beyond its end`);
    }
    if (this.bytes) return this.bytes.subarray(offset, offset + size);
    const result = new Uint8Array(size);
    for (let done = 0; done < size; ) {
      const count = readSync(this.fd, result, done, Math.min(size - done, 1 << 24), offset + done);
      if (count === 0) throw new InputError('damaged-image', 'damaged image: it was cut off while being read');
      done += count;
    }
    return result;
  }

  close(): void {
    if (this.owned) closeSync(this.fd);
  }
}
