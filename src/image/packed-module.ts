/**
 * The modules that an image carries, in .wagsnap.wasm. A large one is packed: a Brotli stream (RFC 7932), as node:zlib
 * has it everywhere. Nothing of a running process reads them: they are for a snapshot, and for inspect.
 */

import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { damaged } from './tables/damaged.js';

/** Smaller modules are stored as they are: that costs less than a page of disk or two, and no time. */
const PACKED_FROM = 1 << 14;
/** A damaged image makes us unpack at most so many times its size. What packs better is stored as it is. */
const RATIO_MAX = 64;
/** Of 16 MB of wasm: 1 leaves 0.32 in 70 ms, 5 leaves 0.26 in 300 ms. */
const QUALITY = 1;

/** @returns the module itself when packing is of no use */
export function packModule(module: Uint8Array): Uint8Array {
  if (module.length < PACKED_FROM) return module;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: module.length,
  };
  const packed = brotliCompressSync(module, { params });
  return packed.length < module.length && packed.length * RATIO_MAX >= module.length ? packed : module;
}

/**
 * The counterpart of packModule.
 *
 * @param size of the module in bytes
 * @throws InputError 'damaged-image' when the stream is none, or is of another size
 */
export function unpackModule(stored: Uint8Array, size: number): Uint8Array {
  if (stored.length === size) return stored;
  if (stored.length > size || stored.length * RATIO_MAX < size) throw damaged('the size of a packed module');
  let module: Uint8Array;
  try {
    module = brotliDecompressSync(stored, { maxOutputLength: size });
  } catch {
    throw damaged('a packed module cannot be unpacked');
  }
  if (module.length !== size) throw damaged('a packed module has another size');
  return module;
}
