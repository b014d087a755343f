/**
 * The annex of a .wsnap file: what a reader may do without, so that readers that do not know it can still read the
 * file. Today it holds: facts about open files (file-facts.ts), their identities (file-identity.ts), contents of
 * unlinked ones (file-data.ts), names that directory listings have delivered (Descriptor.listed), the workload's name,
 * digests of pages (page-digests.ts), who can read it (readers.ts), and the state between the program and its embedder, and that of suspended frames.
 *
 * annex-block.ts says where it is, annex-schema.ts what it contains.
 */

import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { InputError } from '../base/errors.js';
import { msgpackProblem } from '../image/tables/msgpack-check.js';
import { ANNEX_BLOCK_SIZE } from './annex-block.js';
import { addRows, annexRows } from './annex-rows.js';
import { annexSchema } from './annex-schema.js';
import { placeContents } from './file-contents.js';
import { DIGEST_SIZE, spanCount } from './page-digests.js';
import type { Snapshot } from './snapshot.js';

const ITEMS_MAX = 1 << 16;
/** What readers of any version want to find. */
const NO_ROWS = { files: [] };

/** Undefined when the annex would be empty. */
export function encodeAnnex({ name, host, digests: all, readers }: Snapshot): Uint8Array | undefined {
  const digests = all?.length === 0 ? undefined : all;
  const rows = annexRows(host.descriptors);
  const embedder = host.embedder && { ...host.embedder, session: Buffer.from(host.embedder.session, 'hex') };
  const parts = Object.entries({ name, digests, readers, suspended: host.suspended, embedder }).filter(
    ([, part]) => part !== undefined,
  );
  if (rows === undefined && parts.length === 0) return undefined;
  const fields = {
    ...(rows ?? NO_ROWS),
    ...Object.fromEntries(parts),
  };
  return new Packr({ useRecords: false, variableMapSize: true }).pack(fields);
}

/**
 * Adds what the annex says to the snapshot.
 *
 * @param limit the file offset before which contents of files must be
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
  const result = annexSchema.safeParse(raw);
  if (!result.success) return fail(`${result.error.issues[0].path.join('.')}: ${result.error.issues[0].message}`);
  const contents = placeContents(snapshot, result.data.contents ?? [], limit, fail);
  const descriptors = addRows(snapshot.host.descriptors, result.data, contents);
  const { name, digests, readers, suspended } = result.data;
  if (digests !== undefined && digests.length !== spanCount(snapshot.instances) * DIGEST_SIZE) {
    fail(`digests: has ${digests.length} bytes for ${spanCount(snapshot.instances)} spans`);
  }
  const embedder = result.data.embedder && {
    ...result.data.embedder,
    session: Buffer.from(result.data.embedder.session).toString('hex'),
  };
  return {
    ...snapshot,
    ...(name === undefined ? {} : { name }),
    ...(digests === undefined ? {} : { digests }),
    ...(readers === undefined ? {} : { readers }),
    host: {
      ...snapshot.host,
      descriptors,
      ...(suspended === undefined ? {} : { suspended }),
      ...(embedder === undefined ? {} : { embedder }),
    },
  };
}
