/**
 * The list of a store's generations: index.json, which is read and replaced as a whole. Entries of other tools stay as
 * they are.
 */

import { fsyncSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, LimitError, reading } from '../../base/errors.js';
import { syncFolder, writeAt, writeOutput } from '../../base/output.js';
import { type Facts, readFacts, writeFacts } from './facts.js';
import { type BlobDescriptor, type Index, index, isSha256, MEDIA_TYPE, REFERENCE } from './oci.js';
import { NUMBER_MAX, readReference, referenceText, tagNumber } from './reference.js';
import { Spare } from './spare.js';

const INDEX_MAX = 256 << 20;

/** A generation, as the index has it. */
export interface Entry {
  readonly name: string;
  readonly tag: string;
  /** The descriptor of its manifest. */
  readonly manifest: BlobDescriptor;
  /** Undefined when another tool made the entry: then the manifest has them. */
  readonly facts: Facts | undefined;
  /** Bytes of its own file, and of all files that it needs; undefined likewise. */
  readonly ownSize: number | undefined;
  readonly size: number | undefined;
}

const OWN_SIZE = 'wag-snap.size.own';
const SIZE = 'wag-snap.size';
/** Characters of a key that a message shows. */
const KEY_SHOWN = 80;

export class IndexFile {
  readonly path: string;

  readonly spare: Spare;

  constructor(private readonly store: string) {
    this.path = join(store, 'index.json');
    this.spare = new Spare(store);
  }

  /** @throws InputError when it is damaged, ToolError when it cannot be read */
  read(): Index {
    const { path } = this;
    const text = reading(path, () => {
      const stat = statSync(path);
      if (!stat.isFile() || stat.size > INDEX_MAX)
        throw new InputError('store', `${path}: is not the index of a store`);
      return readFileSync(path, 'utf8');
    });
    return parseDocument(text, index, path);
  }

  /**
   * Replaces the index, durably, and keeps room for removing what it has. Only while the store is locked. @throws
   * ToolError; then the old index is whole
   */
  replace(next: Index): void {
    const bytes = encodeIndex(next);
    this.spare.keepFor(bytes.length);
    this.write(bytes);
  }

  /** Replaces the index by one with fewer entries. It may take the room that replace() has kept. @throws as replace */
  shrink(next: Index): void {
    this.write(encodeIndex(next));
  }

  /** Keeps room again, if there is any. Only while the store is locked. Never fails. */
  keepRoom(index: Index): void {
    this.spare.keepIfPossible(encodeIndex(index).length);
  }

  private write(bytes: Buffer): void {
    writeOutput(
      this.path,
      (fd) => {
        writeAt(fd, bytes, 0);
        fsyncSync(fd);
      },
      0o600,
    );
    syncFolder(this.store);
  }
}

function encodeIndex(index: Index): Buffer {
  return Buffer.from(`${JSON.stringify(index, undefined, 1)}\n`);
}

/** The entries whose names are those of generations, in the order of the index. */
export function entriesOf({ manifests }: Index): Entry[] {
  const entries: Entry[] = [];
  for (const descriptor of manifests) {
    const { annotations = {} } = descriptor;
    const reference = readReference(annotations[REFERENCE] ?? '');
    if (descriptor.mediaType !== MEDIA_TYPE.manifest || reference?.tag === undefined) continue;
    if (!isSha256(descriptor.digest)) continue;
    const { mediaType, digest, size } = descriptor;
    entries.push({
      name: reference.name,
      tag: reference.tag,
      manifest: { mediaType, digest, size },
      facts: readFacts(annotations),
      ownSize: bytesOf(annotations[OWN_SIZE]),
      size: bytesOf(annotations[SIZE]),
    });
  }
  return entries;
}

/** The index with an entry as its last, in the place of one of the same name and tag. */
export function withEntry(index: Index, entry: Required<Entry>): Index {
  const reference = referenceText(entry.name, entry.tag);
  const others = index.manifests.filter((one) => one.annotations?.[REFERENCE] !== reference);
  return { ...index, manifests: [...others, descriptorOf(entry)] };
}

/**
 * Checks that a generation is what it was.
 *
 * @param entries those of its name
 * @param manifest the digest that it had, null when there was none
 * @throws InputError 'changed'
 */
export function checkEntry(entries: readonly Entry[], name: string, tag: string, manifest: string | null): void {
  const found = entries.find((entry) => entry.tag === tag)?.manifest.digest ?? null;
  if (found === manifest) return;
  const what = found === null ? 'was removed' : 'was given to another snapshot';
  throw new InputError('changed', `${name}:${tag}: ${what} meanwhile, so it stays as it is`);
}

/**
 * The number for the next generation.
 *
 * @param entries those of its name
 * @throws LimitError when there is none left
 */
export function nextNumber(entries: readonly Entry[]): number {
  let last = 0;
  for (const { tag } of entries) last = Math.max(last, tagNumber(tag) || 0);
  if (last < NUMBER_MAX) return last + 1;
  throw new LimitError(
    'generations',
    `${entries[0]?.name}:${last}: has the largest number: name the next one NAME:TAG`,
  );
}

/** The descriptor of an entry in the index. */
function descriptorOf({ name, tag, manifest, facts, ownSize, size }: Required<Entry>): Index['manifests'][number] {
  return {
    ...manifest,
    annotations: {
      [REFERENCE]: `${name}:${tag}`,
      ...(facts === undefined ? {} : writeFacts(facts)),
      ...(ownSize === undefined ? {} : { [OWN_SIZE]: String(ownSize) }),
      ...(size === undefined ? {} : { [SIZE]: String(size) }),
    },
  };
}

function bytesOf(text = ''): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** @throws InputError that names the file and what is wrong in it */
export function parseDocument<T>(
  text: string,
  schema: {
    safeParse(value: unknown): { data?: T; error?: { issues: readonly { path: PropertyKey[]; message: string }[] } };
  },
  path: string,
): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError('store', `${path}: damaged: it is not JSON`);
  }
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data as T;
  const [issue] = error.issues;
  const where = issue.path.length === 0 ? '' : `${issue.path.map(shown).join('.')}: `;
  throw new InputError('store', `${path}: damaged: ${where}${issue.message}`);
}

/** A key may be foreign, and as long as the document. */
function shown(key: PropertyKey): string {
  const text = String(key);
  return text.length > KEY_SHOWN ? `${text.slice(0, KEY_SHOWN)}…` : text;
}

/** Identifies what an entry is, and under which name. */
export function identityOf({ name, tag, manifest: { digest } }: Entry): string {
  return `${referenceText(name, tag)} ${digest}`;
}
