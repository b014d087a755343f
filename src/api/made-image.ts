/** Compiles an image that the cache does not have, and keeps it there. Loads the compiler. */

import { join } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import type { EarlyPieces } from '../compile/link/early-pieces.js';
import type { ImageParts } from '../compile/link/image-file.js';
import { writeImage } from '../compile/link/write-file.js';
import type { ImageCache, ImageKey } from '../image/cache.js';
import type { ImageRequest, ObtainedImage } from '../image/image-source.js';
import { compileApart } from './compile-apart.js';
import { compileAttempts, compileAttemptsWithPauses, compileRequestOf } from './compile-request.js';

/**
 * Without a cache, the image is a temporary file that the caller deletes.
 *
 * @param keys of the attempts to compile it
 * @param early what has been compiled of it
 * @throws ModuleError, LimitError, ToolError
 */
export function makeImage(
  request: ImageRequest,
  keys: readonly ImageKey[],
  cache: ImageCache | undefined,
  early?: EarlyPieces,
): ObtainedImage {
  const { image, attempt } = compileAttempts(compileRequestOf(request, early));
  return keep(image, keys[attempt], cache);
}

/** The same, on a thread of its own. @param signal ends that thread */
export async function makeApart(
  request: ImageRequest,
  keys: readonly ImageKey[],
  cache: ImageCache,
  signal: AbortSignal,
  early?: EarlyPieces,
): Promise<ObtainedImage> {
  const { image: bytes, attempt } = await compileApart(compileRequestOf(request, early), signal);
  return keep({ bytes, size: bytes.length, parts: [{ bytes, fileOffset: 0 }] }, keys[attempt], cache);
}

/** The same as makeImage(), but other work of this thread can run now and then. @param signal ends it */
export async function makeWithPauses(
  request: ImageRequest,
  keys: readonly ImageKey[],
  cache: ImageCache,
  signal: AbortSignal,
  early?: EarlyPieces,
): Promise<ObtainedImage> {
  const cancel = new Cancellation('nobody needs the image', signal);
  const { image, attempt } = await compileAttemptsWithPauses(compileRequestOf(request, early), () => cancel.settle());
  return keep(image, keys[attempt], cache);
}

function keep(
  image: ImageParts & { readonly bytes: Uint8Array },
  key: ImageKey,
  cache: ImageCache | undefined,
): ObtainedImage {
  const path = cache?.store(key, image.bytes);
  if (path !== undefined) return { path, compiled: true, temporary: false, release: () => cache?.close() };
  cache?.close();
  return temporaryImage(image);
}

function temporaryImage(image: ImageParts): ObtainedImage {
  const folder = makeTemporaryFolder();
  const path = join(folder, 'image');
  try {
    writeImage(image, path);
  } catch (error) {
    removeTemporary(folder);
    throw error;
  }
  return { path, compiled: true, temporary: true, release: () => removeTemporary(folder) };
}
