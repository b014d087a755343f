/**
 * What snapshots of one program are lowered onto: a fresh image of its modules, read, and the modules, decoded. May be
 * used for several snapshots, one after the other.
 */

import { createHash } from 'node:crypto';
import type { Target } from '../arch/masm/target.js';
import { InputError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import type { ImageRequest, KeyedRequest, ObtainedImage } from '../image/image-source.js';
import { type ImageDescription, openImage, readImage } from '../image/reader.js';
import { readSnapshotModule } from '../snapshot/format.js';
import { FIRST_GUEST, type StoredSnapshot } from '../snapshot/snapshot.js';
import { decodeModule } from '../wasm/decode.js';
import type { Module } from '../wasm/module.js';

export class Ground {
  private isClosed = false;

  private constructor(
    readonly image: ImageDescription,
    /** Of each instance. */
    readonly modules: readonly Module[],
    private readonly program: string,
    private readonly obtained: ObtainedImage,
  ) {}

  /**
   * @param modules the binaries of the snapshot's modules, in their order
   * @param obtained the image, as imageRequest() asks for it; close() releases it
   */
  static open(stored: StoredSnapshot, modules: readonly Uint8Array[], obtained: ObtainedImage): Ground {
    trace('restore', () => `image ${obtained.path}, ${obtained.compiled ? 'compiled now' : 'from the cache'}`);
    let image: ImageDescription | undefined;
    try {
      image = readImage(obtained.path);
      const decoded = modules.map((bytes) => decodeModule(bytes));
      return new Ground(image, decoded, programOf(stored), obtained);
    } catch (error) {
      image?.close();
      obtained.release();
      throw error;
    }
  }

  /**
   * The same with the modules that the image carries.
   *
   * @returns undefined, and the image is released, when it does not carry those of the snapshot
   */
  static openCarrying(stored: StoredSnapshot, obtained: ObtainedImage): Ground | undefined {
    const modules = carriedModules(stored, obtained.path);
    if (modules === undefined) obtained.release();
    return modules && Ground.open(stored, modules, obtained);
  }

  /** Whether the image was compiled just now. */
  get compiled(): boolean {
    return this.obtained.compiled;
  }

  /** @throws InputError when a snapshot is of another program than the one that this was opened for */
  checkOf(stored: StoredSnapshot): void {
    if (programOf(stored) === this.program) return;
    throw new InputError('wrong-module', `${stored.path}: it is of another program than it was said to be`);
  }

  /** May be called twice. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.image.close();
    this.obtained.release();
  }
}

/** The binaries of the snapshot's modules, from an image; undefined when it is damaged, or does not carry them. */
function carriedModules({ snapshot }: StoredSnapshot, path: string): Uint8Array[] | undefined {
  let image: ImageDescription | undefined;
  try {
    image = openImage(path);
    const carried: Uint8Array[] = [];
    for (const [i, { sha256 }] of snapshot.modules.entries()) {
      const index = i + FIRST_GUEST; // module 0 is the host layer
      const bytes = image.outline.modules[index]?.sha256 === sha256 ? image.moduleBytes(index) : undefined;
      if (bytes === undefined) return undefined;
      carried.push(bytes);
    }
    return carried;
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  } finally {
    image?.close();
  }
}

/** All that its image depends on. */
function programOf({ snapshot }: StoredSnapshot): string {
  const { modules, source, host } = snapshot;
  const imports = host.embedder?.imports ?? null;
  return JSON.stringify([modules.map(({ sha256, name }) => [sha256, name]), source.deterministic, imports]);
}

/** The request for the image that a snapshot is lowered onto. @param modules the snapshot's modules, in their order */
export function imageRequest(
  { snapshot, path }: StoredSnapshot,
  modules: readonly Uint8Array[],
  target: Target,
): ImageRequest {
  const main = modules.length - 1;
  const linked = modules.slice(0, main).map((bytes, i) => {
    const { name } = snapshot.modules[i]; // the name by which the others import it (describe.ts)
    return { name, bytes, file: name };
  });
  return {
    bytes: modules[main],
    file: snapshot.modules[main].name || path,
    linked,
    target,
    deterministic: snapshot.source.deterministic,
    allowMissingImports: 'if-needed',
    hostImports: snapshot.host.embedder?.imports,
  };
}

/** The same by the modules' hashes, before they are here. */
export function keyedImageRequest({ snapshot }: StoredSnapshot, target: Target): KeyedRequest {
  const { modules, source, host } = snapshot;
  return {
    sha256: modules[modules.length - 1].sha256,
    linked: modules.slice(0, -1),
    target,
    deterministic: source.deterministic,
    allowMissingImports: 'if-needed',
    hostImports: host.embedder?.imports,
  };
}

/** The binaries of all modules, in their order. @throws InputError 'wrong-module', 'no-module' */
export function moduleBytes(stored: StoredSnapshot, given: readonly Uint8Array[]): Uint8Array[] {
  const { modules } = stored.snapshot;
  const known = new Map(given.map((bytes) => [createHash('sha256').update(bytes).digest('hex'), bytes]));
  const wrong = [...known.keys()].find((sha256) => modules.every((module) => module.sha256 !== sha256));
  if (wrong !== undefined) {
    const what = `it belongs to another module: sha256 ${modules.map(({ sha256 }) => sha256).join(' or ')}`;
    throw new InputError('wrong-module', `${stored.path}: ${what}`);
  }
  return modules.map((module) => {
    const bytes = known.get(module.sha256) ?? readSnapshotModule(stored, module);
    if (bytes !== undefined) return bytes;
    throw new InputError(
      'no-module',
      `${stored.path}: it does not carry its module (${module.name}): give it with --module`,
    );
  });
}
