/** Reads the documents of one generation: what a registry gets of it besides its files. */

import { InputError } from '../../base/errors.js';
import { entriesOf, IndexFile, parseDocument } from './index-file.js';
import { type Manifest, manifest } from './oci.js';
import type { SnapshotStore } from './store.js';

export interface GenerationDocuments {
  readonly manifest: Manifest;
  /** As they are stored, byte for byte. */
  readonly manifestText: string;
  readonly configText: string;
  readonly digest: string;
}

/**
 * @returns undefined when there is no such generation
 * @throws InputError when a document is missing or damaged; ToolError
 */
export function readDocuments(store: SnapshotStore, name: string, tag: string): GenerationDocuments | undefined {
  const entry = entriesOf(new IndexFile(store.folder).read()).find((one) => one.name === name && one.tag === tag);
  if (entry === undefined) return undefined;
  const manifestText = store.blobs.document(entry.manifest);
  const parsed = parseManifest(manifestText, store.blobs.pathOf(entry.manifest.digest));
  return {
    manifest: parsed,
    manifestText,
    configText: store.blobs.document(parsed.config),
    digest: entry.manifest.digest,
  };
}

/**
 * A manifest from anywhere.
 *
 * @param where for messages
 * @throws InputError when it is not that of a snapshot
 */
export function parseManifest(text: string, where: string): Manifest {
  return parseDocument(text, manifest, where);
}

/** @throws InputError when a digest is named with different sizes */
export function distinctLayers({ layers }: Manifest, where: string): Manifest['layers'] {
  const found = new Map<string, Manifest['layers'][number]>();
  for (const layer of layers) {
    const known = found.get(layer.digest);
    if (known !== undefined && known.size !== layer.size) {
      throw new InputError('store', `${where}: damaged: ${layer.digest} has two sizes`);
    }
    found.set(layer.digest, layer);
  }
  return [...found.values()];
}
