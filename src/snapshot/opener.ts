/**
 * Opens snapshots' files of all kinds: checks the signature, then finds the key of one that is encrypted, and reads the
 * index of one that is packed. Nothing in a file is interpreted before its signature is checked.
 */

import { InputError } from '../base/errors.js';
import { loadZstd } from '../base/zstd.js';
import { readSnapshot } from './format.js';
import { INDEX_NUMBER, unseal } from './packing/cipher.js';
import type { Packing } from './packing/packed-file.js';
import { decodeIndex, decodePackedHeader, PACKED_START } from './packing/packed-header.js';
import { unwrapKey } from './packing/recipients.js';
import { checkHeaderHash, decodePrologue, PACKED_VERSION, PROLOGUE_SIZE, type Prologue } from './prologue.js';
import { RawFile } from './raw-file.js';
import type { StoredSnapshot } from './snapshot.js';
import { checkSeal, checkSubject, type Seal, type Trust } from './trust/policy.js';
import { checkSignature, HEAD_SIZE, SIGNATURE_BLOCK } from './trust/signature.js';

/** What a file is read with, and who has signed it. */
export interface OpenedFile extends Seal {
  readonly packing: Packing | undefined;
}

export class Opener {
  /**
   * @param identities of age, which can read encrypted files (packing/recipients.ts)
   * @param trust which files are believed; ancestors are known by their digests
   */
  constructor(
    private readonly identities: readonly string[] = [],
    readonly trust: Trust = {},
  ) {}

  /**
   * Reads and checks everything but the page data.
   *
   * @param name in a store
   * @throws InputError when it is not a snapshot, damaged, not trusted, or cannot be decrypted; LimitError; ToolError
   */
  async read(path: string, name?: string): Promise<StoredSnapshot> {
    const file = await this.open(path, this.trust);
    const stored = readSnapshot(path, file.packing);
    const { snapshot } = stored;
    const module = snapshot.modules[snapshot.modules.length - 1].sha256;
    const demands = checkSubject(this.trust, file, { stored: name, workload: snapshot.name, module }, path);
    const { signer, isEncrypted } = file;
    return { ...stored, ...(signer === undefined ? {} : { signer }), isEncrypted, ...demands };
  }

  /** Opens a file as far as it can be read by readSnapshot and SnapshotFile. @throws as read */
  async open(path: string, trust: Trust = {}): Promise<OpenedFile> {
    const file = new RawFile(path);
    try {
      return await this.look(file, trust);
    } finally {
      file.close();
    }
  }

  private async look(file: RawFile, trust: Trust): Promise<OpenedFile> {
    const { path } = file;
    const stat = file.stat();
    if (!stat.isFile()) throw new InputError('snapshot', `${path}: not a regular file`);
    const head = file.bytes(0, Math.min(PACKED_START, stat.size));
    const prologue = decodePrologue(head.subarray(0, PROLOGUE_SIZE), stat.size, path);
    const signer = checkSignature(head.subarray(0, HEAD_SIZE), path);
    const isPacked = prologue.version === PACKED_VERSION;
    const header = isPacked ? packedHeader(file, head, prologue, signer !== undefined) : undefined;
    const isEncrypted = header?.keyPart !== undefined;
    checkSeal(trust, { signer, isEncrypted }, path);
    if (header === undefined) return { packing: undefined, signer, isEncrypted };
    const { keyPart, index: sealed } = header;
    const key = keyPart && (await unwrapKey(keyPart, this.identities, path));
    const bytes = key === undefined ? sealed : unseal(key, INDEX_NUMBER, sealed);
    if (bytes === undefined) throw new InputError('snapshot', `${path}: damaged: its index is not what was encrypted`);
    const index = decodeIndex(bytes, prologue.headerOffset, isEncrypted, path);
    if (index.codec === 'zstd') await loadZstd();
    return { packing: { front: head, stored: stat.size, index, key }, signer, isEncrypted };
  }
}

function packedHeader(file: RawFile, head: Buffer, { headerOffset, headerSize }: Prologue, isSigned: boolean) {
  const { path } = file;
  if (headerOffset < PACKED_START)
    throw new InputError('snapshot', `${path}: packed header: is at offset ${headerOffset}`);
  const rest = [head.subarray(PROLOGUE_SIZE, SIGNATURE_BLOCK), head.subarray(isSigned ? HEAD_SIZE : SIGNATURE_BLOCK)];
  if (rest.some((bytes) => bytes.some((byte) => byte !== 0)))
    throw new InputError('snapshot', `${path}: reserved bytes before offset ${PACKED_START} are not zero`);
  const header = file.bytes(headerOffset, headerSize);
  checkHeaderHash(head.subarray(0, PROLOGUE_SIZE), header, path);
  return decodePackedHeader(header, path);
}
