/**
 * The facts that the store's list shows of a generation, as annotations of its manifest: strings by name, as the
 * specification requires. The index has them too, so that listing reads one file.
 */

import { z } from 'zod';
import { BugError } from '../../base/errors.js';
import { WASM_PAGE } from '../../image/contract/sizes.js';
import type { StoredSnapshot } from '../snapshot.js';

export interface Facts {
  /** When it was captured. */
  readonly created: Date;
  /** Name of the first module, or the first digits of its sha256 if it has none. */
  readonly module: string;
  readonly moduleSha256: string;
  /** The CPU that it was captured on: x64 or arm64. It restores on both. */
  readonly arch: string;
  /** The machine's name. */
  readonly host: string;
  /** How many wasm frames its stack has. */
  readonly frames: number;
  /** Bytes of all linear memories. */
  readonly memory: number;
  /** The digests that identify the snapshot and its parent, in hex. */
  readonly digest: string;
  readonly parent?: string | undefined;
}

const CREATED = 'org.opencontainers.image.created';
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const count = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number);

const schema = z.object({
  [CREATED]: z.iso.datetime({ offset: true }),
  'wag-snap.module': z.string().max(4096),
  'wag-snap.module.sha256': hex,
  'wag-snap.arch': z.string().max(64),
  'wag-snap.host': z.string().max(256),
  'wag-snap.frames': count,
  'wag-snap.memory': count,
  'wag-snap.digest': hex,
  'wag-snap.parent': hex.optional(),
});

/** @returns undefined when the annotations are not those of a snapshot */
export function readFacts(annotations: Readonly<Record<string, string>> | undefined): Facts | undefined {
  const { data } = schema.safeParse(annotations ?? {});
  if (data === undefined) return undefined;
  return {
    created: new Date(data[CREATED]),
    module: data['wag-snap.module'],
    moduleSha256: data['wag-snap.module.sha256'],
    arch: data['wag-snap.arch'],
    host: data['wag-snap.host'],
    frames: data['wag-snap.frames'],
    memory: data['wag-snap.memory'],
    digest: data['wag-snap.digest'],
    parent: data['wag-snap.parent'],
  };
}

export function writeFacts(facts: Facts): Record<string, string> {
  return {
    [CREATED]: facts.created.toISOString(),
    'wag-snap.module': facts.module.slice(0, 4096),
    'wag-snap.module.sha256': facts.moduleSha256,
    'wag-snap.arch': facts.arch,
    'wag-snap.host': facts.host.slice(0, 256),
    'wag-snap.frames': String(facts.frames),
    'wag-snap.memory': String(facts.memory),
    'wag-snap.digest': facts.digest,
    ...(facts.parent === undefined ? {} : { 'wag-snap.parent': facts.parent }),
  };
}

/** @param host the machine's name */
export function factsOf({ path, snapshot, digest }: StoredSnapshot, host: string): Facts {
  if (digest === undefined) throw new BugError(`${path}: is no file that can be stored`);
  const [module] = snapshot.modules;
  const memories = snapshot.instances.flatMap((instance) => instance.memories);
  return {
    created: new Date(snapshot.created),
    module: module.name || module.sha256.slice(0, 12),
    moduleSha256: module.sha256,
    arch: snapshot.source.arch,
    host,
    frames: snapshot.frames.count,
    memory: memories.reduce((sum, { pages, bytes = pages * WASM_PAGE }) => sum + bytes, 0),
    digest,
    parent: snapshot.parent,
  };
}
