/**
 * The annex of a .wsnap file: what a reader may do without, so that readers that do not know it still read the file.
 * Today: what the open files were like (file-facts.ts) and which they were (file-identity.ts), what was in those that
 * had no name any more (file-data.ts), and what listings of directories have delivered (Descriptor.listed).
 *
 * annex-block.ts says where it lies; it is
 *
 *     msgpack: { files: [{ fd, type, size, modified, sha256 or null }],
 *                listings: [{ fd, names: 8 bytes each }],
 *                identities: { boot: sha256, files: [{ fd, device, inode, born if known }] },
 *                contents: [{ fds, at: file offset, size, sha256 }],
 *                nameless: [fd] }
 *     all but files are absent when there are none; what else is in it is skipped
 */

import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { msgpackProblem } from '../image/tables/msgpack-check.js';
import { ANNEX_BLOCK_SIZE } from './annex-block.js';
import { groupContents, placeContents } from './file-contents.js';
import { type Descriptor, FILE_TYPES, type FileContents, type FileFacts, type Snapshot } from './snapshot.js';

const NAME_BYTES = 8;
const ITEMS_MAX = 1 << 16;

const fd = z.number().int().min(0).max(1023);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const integer = z.union([z.number().int(), z.bigint()]).transform((value) => BigInt(value));
const schema = z.object({
  files: z
    .array(
      z.object({
        fd,
        type: z.enum(FILE_TYPES),
        size: integer.refine((value) => value >= 0n, 'must not be negative'),
        modified: integer,
        sha256: sha256.nullable(),
      }),
    )
    .max(1024),
  listings: z
    .array(
      z.object({
        fd,
        names: z.instanceof(Uint8Array).refine((bytes) => bytes.length % NAME_BYTES === 0, 'is no list of names'),
      }),
    )
    .max(1024)
    .optional(),
  identities: z
    .object({
      boot: sha256,
      files: z.array(z.object({ fd, device: integer, inode: integer, born: integer.optional() })).max(1024),
    })
    .optional(),
  contents: z
    .array(z.object({ fds: z.array(fd).min(1).max(1024), at: offset, size: offset, sha256 }))
    .max(1024)
    .optional(),
  nameless: z.array(fd).max(1024).optional(),
});
type Annex = z.output<typeof schema>;

/** Undefined when there is nothing to say. */
export function encodeAnnex({ host }: Snapshot): Uint8Array | undefined {
  const { descriptors } = host;
  const files = descriptors.flatMap(({ fd, facts }) =>
    facts === undefined ? [] : [{ fd, ...facts, sha256: facts.sha256 ?? null }],
  );
  const parts = {
    listings: descriptors.flatMap(({ fd, listed }) => (listed === undefined ? [] : [{ fd, names: listed }])),
    contents: encodeContents(descriptors),
    nameless: descriptors.flatMap(({ fd, nameless }) => (nameless ? [fd] : [])),
  };
  const identities = encodeIdentities(descriptors);
  const present = Object.entries(parts).filter(([, rows]) => rows.length > 0);
  if (files.length === 0 && present.length === 0 && identities === undefined) return undefined;
  return new Packr({ useRecords: false, variableMapSize: true }).pack({
    files,
    ...Object.fromEntries(present),
    ...(identities === undefined ? {} : { identities }),
  });
}

/** All of a snapshot are of the same boot. */
function encodeIdentities(descriptors: readonly Descriptor[]): object | undefined {
  const files = descriptors.flatMap(({ fd, identity }) => {
    if (identity === undefined) return [];
    const { device, inode, born } = identity;
    return [{ fd, device, inode, ...(born === undefined ? {} : { born }) }];
  });
  const boot = descriptors.find(({ identity }) => identity !== undefined)?.identity?.boot;
  return boot === undefined ? undefined : { boot, files };
}

function encodeContents(descriptors: readonly Descriptor[]): object[] {
  return groupContents(descriptors).map(({ contents, fds }) => {
    const { fileOffset, size, sha256 } = contents;
    return { fds, at: fileOffset, size, sha256 };
  });
}

/**
 * The snapshot with what its annex says.
 *
 * @param limit of contents of files: they lie in front of this file offset
 * @throws InputError
 */
export function addAnnex(snapshot: Snapshot, block: Buffer, annex: Uint8Array, limit: number, path: string): Snapshot {
  const fail = (what: string): never => {
    throw new InputError('snapshot', `${path}: annex: ${what}`);
  };
  if (!createHash('sha256').update(annex).digest().equals(block.subarray(24, ANNEX_BLOCK_SIZE))) {
    fail('damaged: its hash differs');
  }
  const problem = msgpackProblem(annex, { items: ITEMS_MAX });
  if (problem !== undefined) fail(problem);
  let raw: unknown;
  try {
    raw = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(annex);
  } catch (error) {
    return fail(`is not msgpack: ${(error as Error).message}`);
  }
  const result = schema.safeParse(raw);
  if (!result.success) return fail(`${result.error.issues[0].path.join('.')}: ${result.error.issues[0].message}`);
  const contents = placeContents(snapshot, result.data.contents ?? [], limit, fail);
  const descriptors = addParts(snapshot.host.descriptors, result.data, contents);
  return { ...snapshot, host: { ...snapshot.host, descriptors } };
}

function addParts(
  descriptors: readonly Descriptor[],
  { files, listings, identities, nameless }: Annex,
  contentsOf: ReadonlyMap<number, FileContents>,
): Descriptor[] {
  const facts = new Map<number, FileFacts>();
  for (const { fd, sha256, ...rest } of files) facts.set(fd, sha256 === null ? rest : { ...rest, sha256 });
  const names = new Map(listings?.map(({ fd, names }) => [fd, names]));
  const identityOf = new Map(identities?.files.map(({ fd, ...rest }) => [fd, { boot: identities.boot, ...rest }]));
  const withoutName = new Set(nameless);
  return descriptors.map((descriptor) => {
    const { fd, kind } = descriptor;
    const isFile = kind === 'file' || kind === 'given';
    const isDirectory = kind === 'directory' || kind === 'preopen';
    if (!isFile && !isDirectory) return descriptor;
    const parts = {
      facts: isFile ? facts.get(fd) : undefined,
      listed: isDirectory ? names.get(fd) : undefined,
      identity: identityOf.get(fd),
      contents: contentsOf.get(fd),
      nameless: (kind !== 'preopen' && withoutName.has(fd)) || undefined,
    };
    return { ...descriptor, ...Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) };
  });
}
