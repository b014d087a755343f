/** The blobs of a store: files named by the sha256 of their contents. They never change. */

import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError, reading, systemReason, ToolError, writeFailure } from '../../base/errors.js';
import { syncFolder } from '../../base/output.js';
import { ownName, removeTemporary } from '../../base/temporary.js';
import { quoted } from '../../base/terminal-text.js';
import type { BlobDescriptor } from './oci.js';

const HEX = /^[0-9a-f]{64}$/;
/** As put() names them. */
const HALF_WRITTEN = /^[0-9a-f]{64}\.wag-snap-[0-9a-f-]+\.tmp$/;
/** Our files begin with MAGIC, and our documents have a type or a label of ours in their first bytes (store.ts). */
const MAGIC = '\x7fWSNAP\r\n';
const HEAD_SIZE = 1024;
const DAY = 86_400_000; // milliseconds
/** Bytes of a document: a manifest names at most 1024 files. */
export const DOCUMENT_MAX = 4 << 20;

export interface Blob {
  /** sha256: and hex. */
  readonly digest: string;
  readonly size: number;
}

export class Blobs {
  readonly folder: string;

  constructor(store: string) {
    this.folder = join(store, 'blobs', 'sha256');
  }

  pathOf(digest: string): string {
    return join(this.folder, digest.slice('sha256:'.length));
  }

  /** The digest that a path of this folder names; undefined for all other paths. */
  digestOf(path: string): string | undefined {
    const name = path.slice(this.folder.length + 1);
    return path.startsWith(`${this.folder}/`) && HEX.test(name) ? `sha256:${name}` : undefined;
  }

  has({ digest, size }: Blob): boolean {
    const stat = this.statOf(digest);
    return stat?.isFile() === true && stat.size === size;
  }

  /** Bytes that a file takes on the disk; 0 when it is not there. @throws ToolError */
  bytesOnDisk(digest: string): number {
    return (this.statOf(digest)?.blocks ?? 0) * 512;
  }

  private statOf(digest: string): Stats | undefined {
    const path = this.pathOf(digest);
    return reading(path, () => statSync(path, { throwIfNoEntry: false }));
  }

  /** All digests that are there. */
  list(): string[] {
    return this.names()
      .filter((name) => HEX.test(name))
      .map((name) => `sha256:${name}`);
  }

  private names(): string[] {
    return reading(this.folder, () => readdirSync(this.folder));
  }

  /**
   * @param descriptor with a digest of sha256, or of another algorithm that other tools use
   * @throws InputError when it is missing or damaged, or the algorithm is unknown; ToolError when it cannot be read
   */
  document({ digest, size }: BlobDescriptor): string {
    const [, algorithm, hex] = /^(sha256|sha512):([0-9a-f]{64,128})$/.exec(digest) ?? [];
    if (algorithm === undefined) {
      throw new InputError('store', `${this.folder}: ${quoted(digest)}: no digest that this wag-snap knows`);
    }
    const path = join(dirname(this.folder), algorithm, hex);
    if (size > DOCUMENT_MAX)
      throw new InputError('store', `${path}: a document of ${size} bytes is too large for one of ours`);
    const bytes = readSmall(path, size);
    const found = createHash(algorithm).update(bytes).digest('hex');
    if (found === hex) return bytes.toString('utf8');
    throw new InputError('store', `${path}: damaged: its ${algorithm} is ${found}`);
  }

  /**
   * Writes a small blob, also over one that is there, which may be damaged. It is durable after sync(). @throws
   * ToolError
   */
  put(text: string): Blob {
    const bytes = Buffer.from(text);
    const blob = { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, size: bytes.length };
    const path = this.pathOf(blob.digest);
    const temporary = `${path}.${ownName()}.tmp`;
    try {
      writeFileSync(temporary, bytes, { mode: 0o600, flush: true });
      renameSync(temporary, path);
    } catch (error) {
      removeTemporary(temporary);
      throw writeFailure(path, error);
    }
    return blob;
  }

  /** Moves in a complete, durable file of the same file system. It is durable here after sync(). @throws ToolError */
  adopt(file: string, digest: string): void {
    const path = this.pathOf(digest);
    try {
      renameSync(file, path);
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /** Removes half-written documents that killed tools of ours have left. Only while the store is locked. */
  removeLeftOvers(): number {
    const names = this.names().filter((name) => HALF_WRITTEN.test(name));
    for (const name of names) removeTemporary(join(this.folder, name));
    return names.length;
  }

  /**
   * Whether a file that nothing leads to may be one that another tool is adding: it is none of our kinds, and is younger
   * than a day.
   */
  mayBeForeign(digest: string): boolean {
    const path = this.pathOf(digest);
    const head = Buffer.alloc(HEAD_SIZE);
    return reading(path, () => {
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stat = fstatSync(fd);
        if (!stat.isFile() || Date.now() - stat.mtimeMs > DAY) return false;
        const text = head.toString('latin1', 0, readSync(fd, head, 0, HEAD_SIZE, 0));
        return !text.startsWith(MAGIC) && !text.includes('wag-snap.');
      } finally {
        closeSync(fd);
      }
    });
  }

  /** @throws ToolError when it stays */
  remove(digest: string): void {
    const path = this.pathOf(digest);
    try {
      rmSync(path, { force: true });
    } catch (error) {
      throw new ToolError('write', `${path}: cannot be removed: ${systemReason(error)}`);
    }
  }

  /** Makes the names durable. @throws ToolError */
  sync(): void {
    syncFolder(this.folder);
  }
}

/** @param onBytes called after each piece; may throw to cancel */
export async function digestFile(path: string, onBytes: (bytes: number) => void = () => {}): Promise<Blob> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
      onBytes((chunk as Buffer).length);
    }
  } catch (error) {
    reading(path, () => {
      throw error;
    });
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}

/** @param size that the file must have */
function readSmall(path: string, size: number): Buffer {
  return reading(path, () => {
    if (!existsSync(path)) throw new InputError('store', `${path}: is missing`);
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() || stat.size !== size)
        throw new InputError('store', `${path}: is not a file of ${size} bytes`);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  });
}
