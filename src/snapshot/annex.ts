/**
 * The annex of a .wsnap file: what a reader may do without, so that readers that do not know it still read the file. Today:
 * what the open files were like (file-facts.ts).
 *
 * Behind the prologue, where older readers look at nothing, lies where it is; it lies itself in front of the header:
 *
 *     64  magic     "WSANNEX" NUL; anything else: there is no annex
 *     72  u64       file offset
 *     80  u64       bytes
 *     88  32 bytes  sha256 of those bytes
 *
 *     msgpack: { files: [{ fd, type, size, modified, sha256 or null }] }    what else is in it is skipped
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
const ANNEX_MAX = 1 << 20;
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
});

/** Undefined when there is nothing to say. */
export function encodeAnnex({ host }: Snapshot): Uint8Array | undefined {
  const files = host.descriptors.flatMap(({ fd, facts }) =>
    facts === undefined ? [] : [{ fd, ...facts, sha256: facts.sha256 ?? null }],
  );
  return files.length === 0 ? undefined : new Packr({ useRecords: false, variableMapSize: true }).pack({ files });
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
  const descriptors = snapshot.host.descriptors.map((descriptor) => {
    const known = facts.get(descriptor.fd);
    const isFile = descriptor.kind === 'file' || descriptor.kind === 'given';
    return isFile && known !== undefined ? { ...descriptor, facts: known } : descriptor;
  });
  return { ...snapshot, host: { ...snapshot.host, descriptors } };
}
