/**
 * The image of a module, from the cache or compiled now. `run` starts this image, and restore lowers onto it. Loads the
 * compiler only when the cache does not have the image (made-image.ts).
 */

import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownPackage } from '../base/package.js';
import type { EarlyPieces } from '../compile/link/early-pieces.js';
import { loadHostModule } from '../compile/link/host-module.js';
import type { ImageCache, ImageKey } from '../image/cache.js';
import {
  attemptsOf,
  type ImageRequest,
  type ImageSource,
  type KeyedRequest,
  type ObtainedImage,
} from '../image/image-source.js';

/** How a missing image is made. */
interface MakeOptions {
  /** Told before it compiles. */
  readonly onCompile?: () => void;
  /** What has been compiled of it. */
  readonly early?: EarlyPieces | undefined;
}

/**
 * An image source that looks in a cache first and compiles what is missing. An image's path leads through the cache's
 * open folder, which is closed when the image is released.
 *
 * @param cache undefined: there is no cache
 */
export function cachedImages(cache: ImageCache | undefined, { onCompile, early }: MakeOptions = {}): ImageSource {
  return (request) =>
    obtain(request, cache, async (keys) => {
      onCompile?.();
      return (await import('./made-image.js')).makeImage(request, keys, cache, early);
    });
}

/**
 * The same as cachedImages(), but other work can go on here while it compiles what is missing.
 *
 * @param way on a thread of its own; or in this one, with pauses: sooner when this one has compiled before
 * @param signal ends it
 */
export function obtainMeanwhile(
  way: 'apart' | 'with pauses',
  request: ImageRequest,
  cache: ImageCache,
  signal: AbortSignal,
  early?: EarlyPieces,
): Promise<ObtainedImage> {
  return obtain(request, cache, async (keys) => {
    const { makeApart, makeWithPauses } = await import('./made-image.js');
    return (way === 'apart' ? makeApart : makeWithPauses)(request, keys, cache, signal, early);
  });
}

async function obtain(
  request: ImageRequest,
  cache: ImageCache | undefined,
  make: (keys: readonly ImageKey[]) => Promise<ObtainedImage>,
): Promise<ObtainedImage> {
  try {
    const { keys, found } = lookUp(keyedRequest(request), cache);
    return found ?? (await make(keys));
  } catch (error) {
    cache?.close();
    throw error;
  }
}

/** The image when the cache has it. */
export function findCached(request: ImageRequest, cache: ImageCache): ObtainedImage | undefined {
  return lookUp(keyedRequest(request), cache).found;
}

/** The key for each attempt to compile it, and what is there already. */
export function lookUp(
  request: KeyedRequest,
  cache: ImageCache | undefined,
): { readonly keys: readonly ImageKey[]; readonly found?: ObtainedImage } {
  const sha256 = hashOf(request);
  const keys = attemptsOf(request.allowMissingImports).map((allow) => keyOf(request, sha256, allow));
  for (const key of keys) {
    const path = cache?.find(key);
    if (path === undefined) continue;
    return { keys, found: { path, compiled: false, temporary: false, release: () => cache?.close() } };
  }
  return { keys };
}

export function keyedRequest(request: ImageRequest): KeyedRequest {
  const { target, deterministic, allowMissingImports, hostImports, linked = [] } = request;
  return {
    target,
    deterministic,
    allowMissingImports,
    hostImports,
    sha256: sha256Of(request.bytes),
    linked: linked.map(({ name, bytes }) => ({ name, sha256: sha256Of(bytes) })),
  };
}

/** Hash of the module; of linked modules, hash of all their names and hashes. */
function hashOf({ sha256, linked }: KeyedRequest): string {
  if (linked.length === 0) return sha256;
  return sha256Of(JSON.stringify([...linked.map(({ name, sha256 }) => [name, sha256]), sha256]));
}

function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function keyOf(request: KeyedRequest, module: string, allowMissing: boolean): ImageKey {
  const { target, deterministic, hostImports } = request;
  const options = { deterministic, allowMissing, ...(hostImports ? { hostImports: namesKey(hostImports) } : {}) };
  return { module, target: target.name, compiler: compilerFingerprint(), options };
}

/** Import names that the module does not have change nothing in the image, but are part of the key. */
function namesKey(imports: NonNullable<ImageRequest['hostImports']>): string | boolean {
  if (typeof imports === 'boolean') return imports;
  return JSON.stringify(imports.map(({ module, name }) => [module, name]).sort());
}

/** Hash of the build, set in the bundle (scripts/bundle.mjs); absent when running from source. */
declare const WAGSNAP_BUILD: string | undefined;

let fingerprint: string | undefined;

/**
 * Identifies the compiler. In a bundle: the build's hash. From source: version, host layer, and size and time of each
 * of the compiler's files.
 */
function compilerFingerprint(): string {
  if (typeof WAGSNAP_BUILD !== 'undefined') return WAGSNAP_BUILD;
  if (fingerprint !== undefined) return fingerprint;
  const hash = createHash('sha256').update(ownPackage().version).update(loadHostModule());
  const src = dirname(dirname(fileURLToPath(import.meta.url)));
  for (const folder of ['arch', 'wasm', 'image', 'compile']) hashFiles(join(src, folder), (text) => hash.update(text));
  return (fingerprint = hash.digest('hex'));
}

function hashFiles(folder: string, update: (text: string) => void): void {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory()) hashFiles(path, update);
    else if (stat) update(`${name} ${stat.size} ${stat.mtimeMs}\n`);
  }
}
