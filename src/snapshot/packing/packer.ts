/**
 * Packs a snapshot's file: cuts it into extents, compresses and encrypts each, and writes them one after the other
 * (packed-header.ts). The process that it was captured from runs on meanwhile.
 *
 * Several extents are compressed at once, on other threads where Node has zstd; they are encrypted, hashed and written
 * here, in order. 128 KiB was chosen by measurement: memories get 2 % smaller with 256 KiB and 1 % larger with 64 KiB,
 * but reading a page then unpacks twice as much, or the cost of a call counts twice as often.
 */

import { createHash, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { writeAt } from '../../base/output.js';
import { readAt } from '../../base/read-at.js';
import { loadZstd, type Zstd } from '../../base/zstd.js';
import { INDEX_NUMBER, KEY_SIZE, seal } from './cipher.js';
import { ExtentHashes } from './extent-hashes.js';
import { encodeIndex, encodePackedHeader, type IndexRow, PACKED_START, type PackedCodec } from './packed-header.js';
import { wrapKey } from './recipients.js';

/** How a snapshot is packed. */
export interface PackingForm {
  /** The level of zstd; undefined: not compressed. */
  readonly level?: number | undefined;
  /** The age recipients that can read it; none: not encrypted. */
  readonly recipients: readonly string[];
}

export const EXTENT = 128 << 10;
/** How many extents are worked on at once. */
const AHEAD = 8;
/** Bytes that are read at once. */
const CHUNK = 1 << 20;
/** How many chunks are in memory: extents of one are still worked on while the next one is read. */
const CHUNKS = 2;
/** With less it takes longer to start a thread than to hash here. */
const APART_BYTES = 32 << 20;

export interface Packed {
  /** Where the header goes, which ends the file. */
  readonly headerOffset: number;
  readonly header: Buffer;
}

/**
 * Writes all but the front and the header.
 *
 * @param source a descriptor of the file to pack, of `size` bytes
 * @param target a descriptor of an empty file
 * @param onBytes gets the bytes packed since the last call; may throw to cancel
 * @throws the system's errors
 */
export async function packFile(
  source: number,
  size: number,
  target: number,
  form: PackingForm,
  onBytes: (bytes: number) => void = () => {},
): Promise<Packed> {
  const key = form.recipients.length === 0 ? undefined : randomBytes(KEY_SIZE);
  const zstd = form.level === undefined ? undefined : await loadZstd();
  const isApart = zstd === undefined && size >= APART_BYTES && availableParallelism() > 1;
  const hashes = isApart ? new ExtentHashes(target, PACKED_START) : undefined;
  const writer = new ExtentWriter(target, key, hashes);
  const pending: { readonly at: number; readonly length: number; readonly data: Promise<Uint8Array> | Uint8Array }[] =
    [];
  const next = async () => {
    const { at, length, data } = pending.shift()!;
    writer.add(at / EXTENT, data instanceof Uint8Array ? data : await data);
    onBytes(length);
  };
  let rows: IndexRow[];
  let keyPart: Buffer | undefined;
  const buffers = Array.from({ length: CHUNKS }, () => Buffer.allocUnsafe(Math.min(CHUNK, size)));
  try {
    for (let start = 0; start < size; start += CHUNK) {
      const buffer = buffers[(start / CHUNK) % CHUNKS]!;
      while (pending.length > 0 && pending[0].at < start - CHUNK) await next(); // what is in the buffer
      const chunk = readAt(source, buffer.subarray(0, Math.min(CHUNK, size - start)), start);
      for (let at = start; at < start + chunk.length; at += EXTENT) {
        const contents = chunk.subarray(at - start, at - start + EXTENT);
        if (isZero(contents)) continue;
        pending.push({ at, length: contents.length, data: shrink(zstd, contents, form.level) });
        if (pending.length >= AHEAD) await next();
      }
      await new Promise((resolve) => setImmediate(resolve)); // lets other work in
    }
    while (pending.length > 0) await next();
    keyPart = key && (await wrapKey(key, form.recipients)); // the last extents are hashed meanwhile
    rows = await writer.rows();
  } finally {
    await Promise.allSettled(pending.map(({ data }) => data));
    await hashes?.close();
  }
  const codec: PackedCodec = zstd === undefined ? 'none' : 'zstd';
  const index = encodeIndex({ codec, extent: EXTENT, size }, rows);
  const header = encodePackedHeader({
    keyPart,
    index: key === undefined ? index : Buffer.concat(seal(key, INDEX_NUMBER, index)),
  });
  return { headerOffset: writer.end, header };
}

/** @returns the contents where compressing does not make them smaller */
function shrink(zstd: Zstd | undefined, contents: Buffer, level = 0): Promise<Uint8Array> | Uint8Array {
  if (zstd === undefined) return contents;
  const data = zstd
    .compress(contents, level)
    .then((smaller) => (smaller.length < contents.length ? smaller : contents));
  data.catch(() => {}); // until its turn comes
  return data;
}

/** Encrypts, hashes and writes extents in order. Nothing is collected: copying costs more than many writes. */
class ExtentWriter {
  private readonly written: Omit<IndexRow, 'hash'>[] = [];
  private readonly hashes: Uint8Array[] = [];
  /** The file offset after all that was written. */
  end = PACKED_START;

  /** @param apart hashes what was written; undefined: it is hashed here */
  constructor(
    private readonly fd: number,
    private readonly key: Uint8Array | undefined,
    private readonly apart: ExtentHashes | undefined,
  ) {}

  add(number: number, data: Uint8Array): void {
    const start = this.end;
    const hash = this.apart === undefined ? createHash('sha256') : undefined;
    for (const part of this.key === undefined ? [data] : seal(this.key, number, data)) {
      hash?.update(part);
      writeAt(this.fd, part, this.end);
      this.end += part.length;
    }
    const length = this.end - start;
    this.written.push({ number, length });
    this.apart?.add(length);
    if (hash !== undefined) this.hashes.push(hash.digest());
  }

  /** @throws the system's errors */
  async rows(): Promise<IndexRow[]> {
    const hashes = (await this.apart?.all()) ?? this.hashes;
    return this.written.map((one, i) => ({ ...one, hash: hashes[i] }));
  }
}

const ZEROS = Buffer.alloc(EXTENT);

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}
