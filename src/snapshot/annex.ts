/**
 * The annex of a .wsnap file: what a reader may do without, so that readers that do not know it still read the file. Today:
 * what the open files were like (file-facts.ts), and what listings of directories have delivered (Descriptor.listed).
 *
 * Behind the prologue, where older readers look at nothing, lies where it is; it lies itself in front of the header:
 *
 *     64  magic     "WSANNEX" NUL; anything else: there is no annex
 *     72  u64       file offset
 *     80  u64       bytes
 *     88  32 bytes  sha256 of those bytes
 *
 *     msgpack: { files: [{ fd, type, size, modified, sha256 or null }],
 *                listings: [{ fd, names: 8 bytes each }], absent when there are none }    what else is in it is skipped
 */

import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { z } from 'zod';
import { msgpackProblem } from '../compile/metadata/msgpack-check.js';
import { InputError } from '../errors.js';
import { FILE_TYPES, type FileFacts, type Snapshot } from './snapshot.js';

export const ANNEX_BLOCK = 64;
export const ANNEX_BLOCK_SIZE = 56;
/** Of earlier versions 1 MiB: they refuse a snapshot taken in the middle of a listing of more than 130,000 names. */
const ANNEX_MAX = 64 << 20;
const NAME_BYTES = 8;
const ITEMS_MAX = 1 << 16;
const MAGIC = Buffer.from('WSANNEX\0', 'latin1');

const integer = z.union([z.number().int(), z.bigint()]).transform((value) => BigInt(value));
const schema = z.object({
  files: z
    .array(
      z.object({
        fd: z.number().int().min(0).max(1023),
        type: z.enum(FILE_TYPES),
        size: integer.refine((value) => value >= 0n, 'must not be negative'),
        modified: integer,
        sha256: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .nullable(),
      }),
    )
    .max(1024),
  listings: z
    .array(
      z.object({
        fd: z.number().int().min(0).max(1023),
        names: z.instanceof(Uint8Array).refine((bytes) => bytes.length % NAME_BYTES === 0, 'is no list of names'),
      }),
    )
    .max(1024)
    .optional(),
});

/** Undefined when there is nothing to say. */
export function encodeAnnex({ host }: Snapshot): Uint8Array | undefined {
  const files = host.descriptors.flatMap(({ fd, facts }) =>
    facts === undefined ? [] : [{ fd, ...facts, sha256: facts.sha256 ?? null }],
  );
  const listings = host.descriptors.flatMap(({ fd, listed }) => (listed === undefined ? [] : [{ fd, names: listed }]));
  if (files.length === 0 && listings.length === 0) return undefined;
  return new Packr({ useRecords: false, variableMapSize: true }).pack(
    listings.length === 0 ? { files } : { files, listings },
  );
}

export function encodeAnnexBlock(fileOffset: number, annex: Uint8Array): Buffer {
  const block = Buffer.alloc(ANNEX_BLOCK_SIZE);
  MAGIC.copy(block);
  block.writeBigUInt64LE(BigInt(fileOffset), 8);
  block.writeBigUInt64LE(BigInt(annex.length), 16);
  createHash('sha256').update(annex).digest().copy(block, 24);
  return block;
}

/**
 * Where the annex is; undefined when there is none.
 *
 * @param limit it must end in front of this file offset
 * @throws InputError
 */
export function decodeAnnexBlock(
  block: Buffer,
  limit: number,
  path: string,
): { offset: number; size: number } | undefined {
  if (block.length < ANNEX_BLOCK_SIZE || !block.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const offset = Number(block.readBigUInt64LE(8));
  const size = Number(block.readBigUInt64LE(16));
  if (offset < ANNEX_BLOCK + ANNEX_BLOCK_SIZE || size > ANNEX_MAX || offset + size > limit) {
    throw new InputError('snapshot', `${path}: annex: does not lie in the file's data`);
  }
  return { offset, size };
}

/** The snapshot with what its annex says. @throws InputError */
export function addAnnex(snapshot: Snapshot, block: Buffer, annex: Uint8Array, path: string): Snapshot {
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
  const facts = new Map<number, FileFacts>();
  for (const { fd, sha256, ...rest } of result.data.files) {
    facts.set(fd, sha256 === null ? rest : { ...rest, sha256 });
  }
  const listings = new Map(result.data.listings?.map(({ fd, names }) => [fd, names]));
  const descriptors = snapshot.host.descriptors.map((descriptor) => {
    const { fd, kind } = descriptor;
    const known = facts.get(fd);
    const listed = listings.get(fd);
    if ((kind === 'file' || kind === 'given') && known !== undefined) return { ...descriptor, facts: known };
    if ((kind === 'directory' || kind === 'preopen') && listed !== undefined) return { ...descriptor, listed };
    return descriptor;
  });
  return { ...snapshot, host: { ...snapshot.host, descriptors } };
}
