/** Writes a file from front to back. Blocks of zeros stay holes, as they are in snapshots. */

import { type FileHandle, open } from 'node:fs/promises';
import { writeFailure } from '../../base/errors.js';

const BATCH = 1 << 20;
const BLOCK = 4096;
const ZEROS = Buffer.alloc(BLOCK);

export class SparseWriter {
  private parts: Buffer[] = [];
  private held = 0;

  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    /** Bytes that are in the file. */
    private written: number,
  ) {}

  /** @param at bytes of the file that stay. @throws ToolError */
  static async open(path: string, at: number): Promise<SparseWriter> {
    try {
      const handle = await open(path, at === 0 ? 'w' : 'r+', 0o600);
      return new SparseWriter(path, handle, at);
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /** The next bytes, which must stay as they are. @throws ToolError */
  async write(bytes: Buffer): Promise<void> {
    this.parts.push(bytes);
    this.held += bytes.length;
    if (this.held >= BATCH) await this.flush();
  }

  /** Ends the file after what was written. @param isWhole makes it durable. @throws ToolError */
  async close(isWhole: boolean): Promise<void> {
    try {
      await this.flush();
      await this.handle.truncate(this.written);
      if (isWhole) await this.handle.sync();
    } catch (error) {
      throw (error as NodeJS.ErrnoException).syscall === undefined ? error : writeFailure(this.path, error);
    } finally {
      await this.handle.close();
    }
  }

  private async flush(): Promise<void> {
    if (this.held === 0) return;
    const bytes = this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts, this.held);
    this.parts = [];
    this.held = 0;
    const start = this.written;
    try {
      for (let from = 0; from < bytes.length; ) {
        const isHole = this.isHole(bytes, from, start);
        let to = this.blockEnd(from, start, bytes.length);
        while (to < bytes.length && this.isHole(bytes, to, start) === isHole) {
          to = this.blockEnd(to, start, bytes.length);
        }
        if (!isHole) await this.put(bytes, from, to, start + from);
        from = to;
      }
    } catch (error) {
      throw writeFailure(this.path, error);
    }
    this.written = start + bytes.length;
  }

  /** Blocks are those of the file. */
  private blockEnd(from: number, start: number, most: number): number {
    return Math.min(most, from + BLOCK - ((start + from) % BLOCK));
  }

  private isHole(bytes: Buffer, from: number, start: number): boolean {
    const to = this.blockEnd(from, start, bytes.length);
    return bytes.compare(ZEROS, 0, to - from, from, to) === 0;
  }

  private async put(bytes: Buffer, from: number, to: number, position: number): Promise<void> {
    for (let at = from; at < to; ) {
      const { bytesWritten } = await this.handle.write(bytes, at, to - at, position + at - from);
      at += bytesWritten;
    }
  }
}
