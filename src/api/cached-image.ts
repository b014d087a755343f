/**
 * The image of a module, from the cache or compiled now.
 *
 * `run` starts this image, and restore lowers onto it. Without a cache, the image is a temporary file that the caller
 * deletes. Loads the compiler.
 */

import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModuleError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { compileImage } from '../compile/link/compile.js';
import { loadHostLayer } from '../compile/link/host-layer.js';
import type { ImageParts } from '../compile/link/image-file.js';
import { writeImage } from '../compile/link/write-file.js';
import type { ImageCache, ImageKey } from '../image/cache.js';
import type { ImageRequest, ImageSource, ObtainedImage } from '../image/image-source.js';
import { decodeModule } from '../wasm/decode.js';

/**
 * An image source that looks in a cache first and compiles what is missing. An image's path leads through the cache's
 * open folder, which is closed when the image is released.
 *
 * @param cache undefined: there is no cache
 */
export function cachedImages(cache: ImageCache | undefined): ImageSource {
  return (request) => {
    try {
      return obtainImage(request, cache);
    } catch (error) {
      cache?.close();
      throw error;
    }
  };
}

function obtainImage(request: ImageRequest, cache: ImageCache | undefined): ObtainedImage {
  const { allowMissingImports, linked = [] } = request;
  const sha256 = hashOf(request);
  const attempts = allowMissingImports === 'if-needed' ? [false, true] : [allowMissingImports];
  const keys = attempts.map((allow) => keyOf(request, sha256, allow));
  const release = () => cache?.close();
  for (const key of keys) {
    const path = cache?.find(key);
    if (path !== undefined) return { path, compiled: false, temporary: false, release };
  }
  const { bytes, file } = request.moduleOf?.() ?? request;
  const modules = [...linked, { bytes, file }].map(({ bytes, ...rest }) => {
    return { module: decodeModule(bytes, rest.file), ...rest };
  });
  for (let i = 0; ; i++) {
    try {
      const options = { ...request, allowMissingImports: attempts[i], jobs: availableParallelism() };
      const image = compileImage(modules, options);
      const path = cache?.store(keys[i], image.bytes);
      if (path !== undefined) return { path, compiled: true, temporary: false, release };
      release();
      return temporaryImage(image);
    } catch (error) {
      const again = error instanceof ModuleError && error.code === 'unlinkable' && i + 1 < attempts.length;
      if (!again) throw error;
    }
  }
}

/** Hash of the module; of linked modules, hash of all their names and hashes. */
function hashOf({ bytes, linked = [] }: ImageRequest): string {
  const own = createHash('sha256').update(bytes).digest('hex');
  if (linked.length === 0) return own;
  const all = linked.map(({ name, bytes }) => [name, createHash('sha256').update(bytes).digest('hex')]);
  return createHash('sha256')
    .update(JSON.stringify([...all, own]))
    .digest('hex');
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

function keyOf(request: ImageRequest, module: string, allowMissing: boolean): ImageKey {
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
  const hash = createHash('sha256').update(ownPackage().version).update(loadHostLayer().bytes);
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
