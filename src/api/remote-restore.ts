/**
 * Opens a snapshot in a registry for restoring it: only what says what it is, while its pages come when they are needed
 * (remote-files.ts); or all of it, where that is not possible.
 */

import { join } from 'node:path';
import { Cancellation } from '../base/cancellation.js';
import { InputError } from '../base/errors.js';
import { makeTemporaryFolder, removeTemporary } from '../base/temporary.js';
import { nameTemporary } from '../base/temporary-names.js';
import type { Opener } from '../snapshot/opener.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { readFacts } from '../snapshot/store/facts.js';
import { distinctLayers } from '../snapshot/store/manifest-of.js';
import type { RegistryClient } from '../transport/registry/client.js';
import { RegistryError } from '../transport/registry/errors.js';
import { parseRegistryReference } from '../transport/registry/reference.js';
import { severally } from '../transport/registry/retry.js';
import type { ProgressOption } from './common-options.js';
import { openRepository, type RegistryOptions } from './registry-options.js';
import { RemoteFile, RemoteFiles } from './remote-files.js';
import { BlobProgress, checkSum, type FoundManifest, findManifest } from './remote-snapshot.js';
import { readRestorable } from './restored-image.js';

const AT_ONCE = 3;

export interface RemoteRestoreOptions extends RegistryOptions, ProgressOption {
  readonly opener: Opener;
  /** Whether its pages may come later. */
  readonly lazy: boolean;
}

/** A snapshot that can be restored, with files in a temporary folder. */
export interface RemoteSnapshot {
  readonly stored: StoredSnapshot;
  /** Removes the files. Not before the program has all of its memory. May be called twice. */
  close(): void;
}

/**
 * @param from `oci://HOST[:PORT]/REPOSITORY[:TAG]`, or with a digest; without both the newest one
 * @throws InputError when it is not there, is not trusted, or is not what its digests say; LimitError; ToolError
 */
export async function openRemote(from: string, options: RemoteRestoreOptions): Promise<RemoteSnapshot> {
  const cancel = new Cancellation('nothing was started', options.signal);
  cancel.check();
  const client = await openRepository(parseRegistryReference(from), 'pull', options);
  const folder = makeTemporaryFolder();
  const close = () => {
    client.abandon();
    client.close();
    removeTemporary(folder);
  };
  try {
    const found = await findManifest(client);
    const remote = new RemoteLayers(client, found, folder);
    const lazy = options.lazy ? await remote.openLazily(options.opener, close) : undefined;
    if (lazy !== undefined) return { stored: lazy, close: () => lazy.absent?.close() };
    return { stored: await remote.openWhole(options), close };
  } catch (error) {
    close();
    cancel.check();
    throw error;
  }
}

class RemoteLayers {
  constructor(
    private readonly client: RegistryClient,
    private readonly found: FoundManifest,
    private readonly folder: string,
  ) {
    checkSum(found.manifest.layers, found.where);
  }

  /** @returns undefined when it cannot be opened so: parts do not tell what they are, or the registry sends none */
  async openLazily(opener: Opener, onClose: () => void): Promise<StoredSnapshot | undefined> {
    const { digest, encrypted } = readFacts(this.found.manifest.annotations) ?? {};
    // the manifest, whose digest may be known, has to say which snapshot its files are
    if (digest === undefined || encrypted) return undefined;
    const files = new Map<string, RemoteFile>();
    const absent = new RemoteFiles(files, onClose);
    let isUsed = false;
    try {
      for (const layer of this.layers) {
        const file = new RemoteFile(this.client, layer, this.pathOf(layer.digest, 'parts'));
        files.set(file.path, file);
        if (!(await file.begin())) return undefined;
      }
      const paths = [...files.keys()];
      // the signature is asked for before anything else is looked at
      const stored = await readRestorable(paths[0], this.places(paths, opener), true);
      if (stored.digest !== digest) {
        throw new InputError('registry', `${this.found.where}: its file is another snapshot than its manifest says`);
      }
      for (const file of files.values()) if (file.look() === undefined) return undefined;
      await bringParts(stored, files);
      isUsed = true;
      return { ...stored, absent };
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'registry-ranges') return undefined;
      throw error;
    } finally {
      if (!isUsed) for (const file of files.values()) file.close();
    }
  }

  async openWhole({ opener, onProgress }: RemoteRestoreOptions): Promise<StoredSnapshot> {
    const { layers } = this;
    const progress = new BlobProgress(layers, onProgress);
    const { Download } = await import('../transport/registry/download.js');
    await severally(this.client, layers, AT_ONCE, (blob) =>
      new Download(this.client, blob, this.pathOf(blob.digest, 'whole'), (bytes) =>
        progress.set(blob.digest, bytes),
      ).run(),
    );
    const paths = layers.map(({ digest }) => this.pathOf(digest, 'whole'));
    return readRestorable(paths[0], this.places(paths, opener));
  }

  private get layers() {
    return distinctLayers(this.found.manifest, this.found.where);
  }

  private places([, ...parents]: readonly string[], opener: Opener) {
    const name = this.found.reference.repository.split('/').at(-1);
    return { opener, name, parents, beside: false };
  }

  private pathOf(digest: string, kind: 'parts' | 'whole'): string {
    const path = join(this.folder, `${digest.slice('sha256:'.length)}.${kind}`);
    nameTemporary(path, this.found.where);
    return path;
  }
}

/** Fetches what is read at once: modules, and contents of files. Their readers compare them with their hashes. */
async function bringParts({ path, snapshot, ancestors = [] }: StoredSnapshot, files: ReadonlyMap<string, RemoteFile>) {
  for (const { fileOffset, file = 0, size } of snapshot.modules) {
    if (fileOffset === undefined) continue;
    const place = file === 0 ? path : ancestors[file - 1].path;
    await files.get(place)?.bringPlain(fileOffset, fileOffset + size);
  }
  const contents = new Set(snapshot.host.descriptors.flatMap((one) => one.contents ?? []));
  for (const { fileOffset, size } of contents) await files.get(path)?.bringPlain(fileOffset, fileOffset + size);
}
