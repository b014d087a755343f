/**
 * zstd (RFC 8878): of node:zlib where this Node has it (22.15), else a build for WebAssembly. The package is only loaded
 * on older versions of Node, after loadZstd().
 */

import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { BugError } from './errors.js';

export interface Zstd {
  /** Makes one frame, which says how long its contents are. */
  compress(data: Uint8Array, level: number): Promise<Uint8Array>;
  /** @param length of the contents. @returns undefined when the data is something else than one frame of so many bytes */
  decompress(data: Uint8Array, length: number): Promise<Uint8Array | undefined>;
  /** The same on this thread. */
  decompressNow(data: Uint8Array, length: number): Uint8Array | undefined;
}

export const LEVEL_MIN = 1;
export const LEVEL_MAX = 19;
/** More costs more time than it saves bytes: programs' memories get 3 to 5 % smaller with 3, in twice the time. */
export const LEVEL_DEFAULT = 1;

const MAGIC = 0xfd2fb528;
/** What a frame may ask a decoder to keep: 2 to this power, in bytes. */
const WINDOW_LOG_MAX = 23;

let loaded: Zstd | undefined;

/** Loads it once. Afterwards zstd() is there. */
export async function loadZstd(): Promise<Zstd> {
  loaded ??= builtinZstd() ?? (await wasmZstd());
  return loaded;
}

/** After loadZstd(); at any time where node:zlib has it. */
export function zstd(): Zstd {
  loaded ??= builtinZstd();
  if (loaded === undefined) throw new BugError('zstd is used before it was loaded');
  return loaded;
}

/** What Node's types of version 20 do not have. */
interface BuiltIn {
  readonly zstdCompress?: (data: Uint8Array, options: object, done: () => void) => void;
  readonly zstdDecompress?: (data: Uint8Array, options: object, done: () => void) => void;
  readonly zstdDecompressSync?: (data: Uint8Array, options: object) => Uint8Array;
}

function builtinZstd(): Zstd | undefined {
  const { zstdCompress, zstdDecompress, zstdDecompressSync } = zlib as BuiltIn;
  if (!zstdCompress || !zstdDecompress || !zstdDecompressSync) return undefined;
  const { ZSTD_c_compressionLevel: LEVEL, ZSTD_d_windowLogMax: WINDOW } = zlib.constants as never as Record<
    string,
    number
  >;
  const pack = promisify(zstdCompress) as unknown as (data: Uint8Array, options: object) => Promise<Uint8Array>;
  const unpack = promisify(zstdDecompress) as unknown as typeof pack;
  const limits = (length: number) => {
    const bytes = Math.max(length, 64); // the least that node:zlib takes
    return { maxOutputLength: bytes, chunkSize: bytes, params: { [WINDOW]: WINDOW_LOG_MAX } };
  };
  return {
    compress: (data, level) => pack(data, { params: { [LEVEL]: level } }),
    decompress: async (data, length) => {
      if (frameLength(data) !== length) return undefined;
      return ofLength(await unpack(data, limits(length)).catch(() => undefined), length);
    },
    decompressNow: (data, length) => {
      if (frameLength(data) !== length) return undefined;
      try {
        return ofLength(zstdDecompressSync(data, limits(length)), length);
      } catch {
        return undefined;
      }
    },
  };
}

async function wasmZstd(): Promise<Zstd> {
  const { init, compress, decompress } = await import('@bokuweb/zstd-wasm');
  await init();
  const unpack = (data: Uint8Array, length: number) => {
    if (frameLength(data) !== length) return undefined;
    try {
      return ofLength(decompress(data), length);
    } catch {
      return undefined;
    }
  };
  return {
    compress: async (data, level) => compress(data, level),
    decompress: async (data, length) => unpack(data, length),
    decompressNow: unpack,
  };
}

function ofLength(bytes: Uint8Array | undefined, length: number): Uint8Array | undefined {
  return bytes?.length === length ? bytes : undefined;
}

/**
 * How many bytes a frame says that it contains (RFC 8878, 3.1.1.1). So a decoder need not begin with one that contains
 * more than it should.
 *
 * @returns undefined when the data is no frame, or one that does not say it
 */
export function frameLength(data: Uint8Array): number | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 6 || view.getUint32(0, true) !== MAGIC) return undefined;
  const descriptor = data[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  const form = descriptor >> 6;
  const size = form === 0 ? Number(isSingleSegment) : 1 << form;
  if (size === 0 || at + size > data.length) return undefined;
  if (size === 1) return view.getUint8(at);
  if (size === 2) return view.getUint16(at, true) + 256;
  if (size === 4) return view.getUint32(at, true);
  const length = view.getBigUint64(at, true);
  return length > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(length);
}
