/**
 * The facts that the store's list shows of a generation, as annotations of its manifest: strings by name, as the
 * specification requires. The index has them too, so that listing reads one file.
 *
 * Of an encrypted snapshot they say only when it was captured, by which the newest is found. All others would tell what
 * its file hides.
 */

import * as z from 'zod';
import { BugError } from '../../base/errors.js';
import { WASM_PAGE } from '../../image/contract/sizes.js';
import type { StoredSnapshot } from '../snapshot.js';

export interface Facts extends Partial<ContentFacts> {
  /** When it was captured. */
  readonly created: Date;
  /**
   * By which generations of a name are ordered: the time of the capture, or later if an earlier capture has a later time,
   * as after a clock was set back.
   */
  readonly order: Date;
  /** Then there are no other facts. */
  readonly encrypted: boolean;
}

interface ContentFacts {
  /** Name of the last module, the program's, or the first digits of its sha256 if it has none. */
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
const ORDER = 'wag-snap.order';
/** The last time that has four digits for its year (RFC 3339), as annotations must. */
const LAST_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const hex = z.string().regex(/^[0-9a-f]{64}$/);
const count = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number);

const ENCRYPTED = 'wag-snap.encrypted';

const time = z.iso.datetime({ offset: true });
const common = z.object({
  [CREATED]: time,
  [ORDER]: time.optional(),
  [ENCRYPTED]: z.literal('true').optional(),
});

const schema = z.object({
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
  const known = common.safeParse(annotations ?? {}).data;
  if (known === undefined) return undefined;
  const created = new Date(known[CREATED]);
  const order = new Date(known[ORDER] ?? known[CREATED]);
  if (known[ENCRYPTED] !== undefined) return { created, order, encrypted: true };
  const { data } = schema.safeParse(annotations ?? {});
  if (data === undefined) return undefined;
  return {
    created,
    order,
    encrypted: false,
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

/** Of a snapshot that is encrypted. */
export function hiddenFacts(time: Date): Facts {
  const created = new Date(Math.min(time.getTime(), LAST_TIME));
  return { created, order: created, encrypted: true };
}

export function writeFacts(facts: Facts): Record<string, string> {
  const texts = {
    [CREATED]: facts.created.toISOString(),
    [ORDER]: facts.order.getTime() === facts.created.getTime() ? undefined : facts.order.toISOString(),
    [ENCRYPTED]: facts.encrypted ? 'true' : undefined,
    'wag-snap.module': facts.module?.slice(0, 4096),
    'wag-snap.module.sha256': facts.moduleSha256,
    'wag-snap.arch': facts.arch,
    'wag-snap.host': facts.host?.slice(0, 256),
    'wag-snap.frames': facts.frames?.toString(),
    'wag-snap.memory': facts.memory?.toString(),
    'wag-snap.digest': facts.digest,
    'wag-snap.parent': facts.parent,
  };
  return Object.fromEntries(Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A time for `order` after all of these. */
export function laterThan(facts: Facts, others: readonly Facts[]): Date {
  const latest = others.reduce((time, { order }) => Math.max(time, order.getTime() + 1), facts.order.getTime());
  return new Date(Math.min(latest, LAST_TIME));
}

/** @param host the machine's name */
export function factsOf({ path, snapshot, digest, isEncrypted }: StoredSnapshot, host: string): Facts {
  if (isEncrypted) return hiddenFacts(new Date(snapshot.created));
  if (digest === undefined) throw new BugError(`${path}: is no file that can be stored`);
  const module = snapshot.modules[snapshot.modules.length - 1]; // the program: linked ones come before it
  const memories = snapshot.instances.flatMap((instance) => instance.memories);
  const created = new Date(Math.min(snapshot.created, LAST_TIME));
  return {
    created,
    order: created,
    encrypted: false,
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
