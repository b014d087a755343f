/**
 * Compression of what a move sends, a piece at a time. zstd where this Node has it (22.15), else brotli, which all have:
 * with a megabyte of a program's memory in a piece it is as small, and takes two to four times as long.
 */

import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { InputError } from '../base/errors.js';

export const CODECS = ['zstd', 'brotli'] as const;
export type Codec = (typeof CODECS)[number];

type Way = (data: Uint8Array, options: object) => Promise<Buffer>;

interface Ways {
  readonly pack: Way;
  readonly packOptions: object;
  readonly unpack: Way;
}

/** What Node's types of version 20 do not have. */
interface Zstd {
  readonly zstdCompress?: unknown;
  readonly zstdDecompress?: unknown;
}

const { constants } = zlib;
const FAST = 1;
const ways: Readonly<Record<Codec, Ways | undefined>> = { zstd: zstdWays(zlib as Zstd), brotli: brotliWays() };

function zstdWays({ zstdCompress, zstdDecompress }: Zstd): Ways | undefined {
  if (typeof zstdCompress !== 'function' || typeof zstdDecompress !== 'function') return undefined;
  const { ZSTD_c_compressionLevel: level } = constants as unknown as Record<string, number>;
  return {
    pack: promisify(zstdCompress as never) as Way,
    packOptions: { params: { [level]: FAST } },
    unpack: promisify(zstdDecompress as never) as Way,
  };
}

function brotliWays(): Ways {
  return {
    pack: promisify(zlib.brotliCompress) as Way,
    packOptions: { params: { [constants.BROTLI_PARAM_QUALITY]: FAST, [constants.BROTLI_PARAM_LGWIN]: 20 } },
    unpack: promisify(zlib.brotliDecompress) as Way,
  };
}

/** What this Node can do, best first. */
export function ownCodecs(): Codec[] {
  return CODECS.filter((codec) => ways[codec] !== undefined);
}

/** The first of the other side's that is one of ours. */
export function commonCodec(theirs: readonly string[]): Codec | undefined {
  return ownCodecs().find((codec) => theirs.includes(codec));
}

export async function pack(codec: Codec, data: Uint8Array): Promise<Buffer> {
  const { pack, packOptions } = waysOf(codec);
  return pack(data, packOptions);
}

/** @param length of what comes out. @throws InputError 'stream' when something else does */
export async function unpack(codec: Codec, data: Uint8Array, length: number): Promise<Buffer> {
  let bytes: Buffer | undefined;
  try {
    bytes = await waysOf(codec).unpack(data, { maxOutputLength: Math.max(length, 1) });
  } catch {
    bytes = undefined;
  }
  if (bytes?.length === length) return bytes;
  throw new InputError('stream', `what the other side sends cannot be understood: a piece that is no ${codec}`);
}

function waysOf(codec: Codec): Ways {
  const found = ways[codec];
  if (found === undefined)
    throw new InputError('stream', `the other side sends ${codec}, which this Node does not have`);
  return found;
}
