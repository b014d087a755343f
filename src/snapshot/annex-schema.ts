/**
 * The fields of an annex (annex-block.ts says where it is):
 *
 *     msgpack: { files: [{ fd, type, size, modified, sha256 or null }],
 *                listings: [{ fd, names: 8 bytes each }],
 *                identities: { boot: sha256, files: [{ fd, device, inode, born if known }] },
 *                contents: [{ fds, at: file offset, size, sha256 }],
 *                nameless: [fd],
 *     name: the workload's name,
 *                digests: 32 bytes for each span of pages in the file (page-digests.ts),
 *                readers: [age1…: who can read all of its files, of an encrypted one],
 *                suspended: { pendingTimeout, call: of the frames above wag_snap_restored, each if they were in one },
 *                embedder: { session: 16 bytes, lastCall, isPending, imports: [{ module, name }] } }
 *     all but files are absent when empty; unknown fields are skipped
 */

import * as z from 'zod';
import { EMBEDDER_IMPORTS_MAX, SESSION_SIZE } from '../image/contract/embedder.js';
import { isWorkloadName } from '../image/workload-name.js';
import { FILE_TYPES } from './host.js';

const NAME_BYTES = 8;
/** Characters of an age recipient: those of post-quantum keys have 1,959. */
const RECIPIENT_MAX = 4096;
/** As many as a file may be encrypted for (packing/recipients.ts). */
const RECIPIENTS_MAX = 400;

const fd = z.number().int().min(0).max(1023);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const integer = z.union([z.number().int(), z.bigint()]).transform((value) => BigInt(value));
const natural = integer.refine((value) => value >= 0n, 'must not be negative');
export const annexSchema = z.object({
  files: z
    .array(
      z.object({
        fd,
        type: z.enum(FILE_TYPES),
        size: natural,
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
  name: z.string().refine(isWorkloadName, 'is no name of a workload').optional(),
  digests: z.instanceof(Uint8Array).optional(),
  readers: z
    .array(
      z
        .string()
        .max(RECIPIENT_MAX)
        .regex(/^age1[a-z0-9]+$/),
    )
    .max(RECIPIENTS_MAX)
    .optional(),
  suspended: z.object({ pendingTimeout: natural.optional(), call: offset.optional() }).optional(),
  embedder: z
    .object({
      session: z.instanceof(Uint8Array).refine((bytes) => bytes.length === SESSION_SIZE, 'is no session'),
      lastCall: offset,
      isPending: z.boolean(),
      imports: z.array(z.object({ module: z.string(), name: z.string() })).max(EMBEDDER_IMPORTS_MAX),
    })
    .optional(),
});
export type Annex = z.output<typeof annexSchema>;
