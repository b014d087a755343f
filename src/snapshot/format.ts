/**
 * The snapshot file (.wsnap), formats 1 to 3; packed files, format 4, contain one (packing/packed-header.ts). This comment is the specification of the whole; those of the parts are in
 * prologue.ts, header-schema.ts and header.ts, frames-codec.ts, exceptions-codec.ts, annex-schema.ts.
 *
 *     0            prologue, 64 bytes: magic, version, where the header is, its sha256
 *     4 KiB        the modules' binaries (unless left out), each at a multiple of 4 KiB
 *     64 KiB * n   page data: slots of 64 KiB, in the order of the memories' extents
 *     64 KiB * k   contents of unlinked files, if any, stored like page data: file-data.ts
 *     64 KiB * l   annex, if any: what readers may do without; annex-schema.ts
 *     64 KiB * m   header: msgpack; ends the file
 *
 *     memory       | page 0 | page 1 | page 2 | page 3 | ...           pages of 64 KiB
 *     contents     | 7..0.. | zero   | 0....9 | 333333 |
 *                      |                 |        |
 *     file          slot 1            slot 2   slot 3                  extents {page 0, 1 page, slot 1}, {2, 2, 2}
 *     blocks        0x0001            0x8000   0xffff                  which 4 KiB blocks of a slot are not holes
 *
 * An empty page is absent. Slots are aligned so that kernels with pages of 4, 16 or 64 KiB can map an extent directly
 * from the file. Zero blocks inside a slot are holes of a sparse file and read as zeros. A parked process of 1 GiB is
 * written slot by slot; the header comes last, as it lists what was found.
 *
 * A format 3 snapshot is a difference to another one, its parent. Its own pages are the changed blocks of 4 KiB,
 * packed. For all others the header says which ancestor's file they are in, so no ancestor's header has to be read.
 * digest.ts says how files are identified, chain.ts where they are searched.
 *
 * Except in the annex, anything that a reader does not expect is an error that names the path and the field. Nothing is
 * skipped or repaired.
 */

import { createHash } from 'node:crypto';
import { InputError } from '../base/errors.js';
import { addAnnex } from './annex.js';
import { ANNEX_BLOCK, ANNEX_BLOCK_SIZE, decodeAnnexBlock } from './annex-block.js';
import { ChainFiles } from './chain-files.js';
import { FRONT_SIZE, snapshotDigest } from './digest.js';
import { decodeHeader, formatNeeded, NEEDS_EMBEDDER, NEEDS_SUSPENDED } from './header.js';
import type { Packing } from './packing/packed-file.js';
import { checkHeaderHash, decodePrologue, PACKED_VERSION, PROLOGUE_SIZE } from './prologue.js';
import type { Snapshot, SnapshotModule, StoredSnapshot } from './snapshot.js';
import { SnapshotFile } from './snapshot-file.js';

export { SnapshotWriter } from './writer.js';

/**
 * Reads and checks everything but the page data, of a file that is trusted or need not be (opener.ts).
 *
 * @param packing what a packed file is read with; undefined for other files
 * @throws InputError when it is not a snapshot, damaged or inconsistent in itself; ToolError when it cannot be read
 */
export function readSnapshot(path: string, packing?: Packing): StoredSnapshot {
  return withFile(path, packing, (file) => {
    const stat = file.stat();
    if (!stat.isFile()) throw new InputError('snapshot', `${path}: not a regular file`);
    const { size } = file;
    const front = file.bytes(0, Math.min(FRONT_SIZE, size));
    const prologueBytes = front.subarray(0, PROLOGUE_SIZE);
    const prologue = decodePrologue(prologueBytes, size, path);
    if (prologue.version === PACKED_VERSION) {
      const what = packing === undefined ? 'is a packed file, which was not opened as one' : 'contains a packed file';
      throw new InputError('snapshot', `${path}: ${what}`);
    }
    const header = file.bytes(prologue.headerOffset, prologue.headerSize);
    checkHeaderHash(prologueBytes, header, path);
    const snapshot = decodeHeader(header, prologue.headerOffset, path);
    if (formatNeeded(snapshot) > prologue.version) {
      throw new InputError('snapshot', `${path}: has values that format ${prologue.version} does not know`);
    }
    const whole = withAnnex(file, snapshot, prologue.headerOffset);
    for (const [part, value] of [
      [NEEDS_EMBEDDER, whole.host.embedder],
      [NEEDS_SUSPENDED, whole.host.suspended],
    ] as const) {
      if (value === undefined && whole.needs?.includes(part)) {
        throw new InputError('snapshot', `${path}: annex: ${part} is missing`);
      }
    }
    const stored = { path, size: stat.size, prologue: prologueBytes, digest: snapshotDigest(front), snapshot: whole };
    return packing === undefined ? stored : { ...stored, packing };
  });
}

function withAnnex(file: SnapshotFile, snapshot: Snapshot, limit: number): Snapshot {
  const { path } = file;
  if (limit < ANNEX_BLOCK + ANNEX_BLOCK_SIZE) return snapshot;
  const block = file.bytes(ANNEX_BLOCK, ANNEX_BLOCK_SIZE);
  const place = decodeAnnexBlock(block, limit, path);
  return place ? addAnnex(snapshot, block, file.bytes(place.offset, place.size), place.offset, path) : snapshot;
}

/**
 * The wasm binary of a module, checked by its hash. Undefined when the module was left out, or is in the file of an
 * ancestor and ancestors were not searched.
 *
 * @throws InputError when it is damaged
 */
export function readSnapshotModule(stored: StoredSnapshot, module: SnapshotModule): Uint8Array | undefined {
  const { fileOffset, file: number = 0 } = module;
  if (fileOffset === undefined || (number > 0 && stored.ancestors === undefined)) return undefined;
  const files = new ChainFiles(stored);
  try {
    const file = files.file(number);
    const bytes = file.bytes(fileOffset, module.size);
    if (createHash('sha256').update(bytes).digest('hex') === module.sha256) return bytes;
    throw new InputError('snapshot', `${file.path}: damaged: the hash of module ${module.name} differs`);
  } finally {
    files.close();
  }
}

function withFile<T>(path: string, packing: Packing | undefined, use: (file: SnapshotFile) => T): T {
  const file = new SnapshotFile(path, packing);
  try {
    return use(file);
  } finally {
    file.close();
  }
}
