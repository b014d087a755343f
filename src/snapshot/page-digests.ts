/**
 * Digests of the pages in a snapshot's own file: the sha256 of each span, one after the other.
 *
 * An extent is cut into spans of 256 blocks (1 MiB), the last one shorter. The digest of a span covers its non-empty
 * blocks in order; holes are not read. Instances, memories, extents and spans are in the header's order. Extents in
 * other files are left out, as those files have digests of their own.
 */

import { createHash } from 'node:crypto';
import { InputError } from '../base/errors.js';
import { BLOCK } from './page-blocks.js';
import type { ByteSource } from './pages.js';
import type { Snapshot, SnapshotInstance } from './snapshot.js';
import { extentRuns, type StoredRun } from './stored-runs.js';

export const DIGEST_SIZE = 32;
const SPAN_BLOCKS = 256;

/**
 * @param file the snapshot's own file
 * @param onBytes gets the bytes hashed; may throw to cancel
 */
export async function digestPages(
  file: ByteSource,
  instances: readonly SnapshotInstance[],
  onBytes: (bytes: number) => void = () => {},
): Promise<Uint8Array> {
  const digests: Buffer[] = [];
  const bytes = Buffer.allocUnsafe(SPAN_BLOCKS * BLOCK);
  for (const span of spansOf(instances)) {
    const hash = createHash('sha256');
    for (const { fileOffset, bytes: length } of span) {
      await file.read(fileOffset, length, bytes, 0);
      hash.update(bytes.subarray(0, length));
      onBytes(length);
    }
    digests.push(hash.digest());
  }
  return Buffer.concat(digests);
}

/** The digests of a snapshot; undefined when an early version wrote it without. */
export function pageDigests({ digests, instances }: Snapshot): Uint8Array | undefined {
  return digests ?? (spanCount(instances) === 0 ? new Uint8Array(0) : undefined);
}

/** The number of digests of a snapshot. */
export function spanCount(instances: readonly SnapshotInstance[]): number {
  const extents = instances.flatMap(({ memories }) => memories.flatMap((memory) => memory.extents));
  return extents.reduce(
    (sum, { bytes, file = 0 }) => sum + (file === 0 ? Math.ceil(bytes / BLOCK / SPAN_BLOCKS) : 0),
    0,
  );
}

/** @throws InputError when a page differs from what was captured */
export async function checkPages(
  file: ByteSource & { readonly path: string },
  instances: readonly SnapshotInstance[],
  digests: Uint8Array,
  onBytes?: (bytes: number) => void,
): Promise<void> {
  const found = await digestPages(file, instances, onBytes);
  for (let at = 0; at < digests.length; at += DIGEST_SIZE) {
    if (Buffer.compare(digests.subarray(at, at + DIGEST_SIZE), found.subarray(at, at + DIGEST_SIZE)) === 0) continue;
    throw new InputError(
      'snapshot',
      `${file.path}: damaged: the hash of ${describeSpan(instances, at / DIGEST_SIZE)} differs`,
    );
  }
}

/** Describes the memory range that a span belongs to. */
function describeSpan(instances: readonly SnapshotInstance[], number: number): string {
  for (const [i, { memories }] of instances.entries()) {
    for (const [k, { extents }] of memories.entries()) {
      for (const { offset, bytes, file = 0 } of extents) {
        if (file !== 0) continue;
        const spans = Math.ceil(bytes / BLOCK / SPAN_BLOCKS);
        if (number >= spans) {
          number -= spans;
          continue;
        }
        const from = offset + number * SPAN_BLOCKS * BLOCK;
        const to = Math.min(offset + bytes, from + SPAN_BLOCKS * BLOCK);
        return `the memory at 0x${from.toString(16)} to 0x${to.toString(16)} (instance ${i}, memory ${k})`;
      }
    }
  }
  return 'a page';
}

/** The runs of each span, in the order of the digests. */
export function* spansOf(instances: readonly SnapshotInstance[]): Generator<StoredRun[], void> {
  for (const { memories } of instances) for (const memory of memories) yield* extentRuns(memory, 0, SPAN_BLOCKS);
}
