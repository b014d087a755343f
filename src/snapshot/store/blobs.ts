/** The blobs of a store: files named by the sha256 of their contents. They never change. */

import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { InputError, reading, writeFailure } from '../../base/errors.js';
import { syncFolder } from '../../base/output.js';
import { ownName } from '../../base/temporary.js';
import type { BlobDescriptor } from './oci.js';

const HEX = /^[0-9a-f]{64}$/;
/** Bytes of a document: a manifest names at most 1024 files. */
const DOCUMENT_MAX = 4 << 20;

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
    const stat = statSync(this.pathOf(digest), { throwIfNoEntry: false });
    return stat?.isFile() === true && stat.size === size;
  }

  /** All digests that are there. */
  list(): string[] {
    return readdirSync(this.folder)
      .filter((name) => HEX.test(name))
      .map((name) => `sha256:${name}`);
  }

  /** @throws InputError when it is missing or damaged, ToolError when it cannot be read */
  document({ digest, size }: BlobDescriptor): string {
    const path = this.pathOf(digest);
    if (size > DOCUMENT_MAX)
      throw new InputError('store', `${path}: a document of ${size} bytes is too large for one of ours`);
    const bytes = readSmall(path, size);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (digest === `sha256:${found}`) return bytes.toString('utf8');
    throw new InputError('store', `${path}: damaged: its sha256 is ${found}`);
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
      rmSync(temporary, { force: true });
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

  /** Removes half-written documents that killed tools have left. Only while the store is locked. */
  removeLeftOvers(): void {
    for (const name of readdirSync(this.folder)) {
      if (name.endsWith('.tmp')) rmSync(join(this.folder, name), { force: true });
    }
  }

  remove(digest: string): void {
    rmSync(this.pathOf(digest), { force: true });
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
