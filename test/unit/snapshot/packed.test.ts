/**
 * Packed snapshots: compressed, encrypted, or both, signed or not, alone and in chains with plain ones. What is read is
 * what was written; what is damaged, or cannot be read, is one clear error each.
 */

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrustOptions } from '../../../src/api/seal-options.js';
import { openSnapshot as open, placesFor } from '../../../src/api/stored-snapshot.js';
import { InputError, LimitError } from '../../../src/base/errors.js';
import { loadZstd, zstd } from '../../../src/base/zstd.js';
import { compactSnapshot } from '../../../src/snapshot/compact.js';
import { readSnapshotModule } from '../../../src/snapshot/format.js';
import { encodeIndex, encodePackedHeader, PACKED_START } from '../../../src/snapshot/packing/packed-header.js';
import { encodePrologue, PACKED_VERSION } from '../../../src/snapshot/prologue.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { ensureSigningKey, type SigningKey } from '../../../src/snapshot/trust/signing-key.js';
import { verifySnapshot } from '../../../src/snapshot/verify.js';
import type { FileForm } from '../../../src/snapshot/writer.js';
import { random } from '../../support/random.js';
import { readMemory, writeGeneration } from './chain-sample.js';
import { MODULE_BYTES } from './sample.js';

const PAGE = 65536;
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-packed-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const identity = at('identity');
const other = at('other');
let recipient = '';
let signingKey: SigningKey;
beforeAll(async () => {
  await loadZstd();
  const secret = await generateX25519Identity();
  recipient = await identityToRecipient(secret);
  writeFileSync(identity, `# a comment\n${secret}\n`);
  writeFileSync(other, `${await generateX25519Identity()}\n`);
  signingKey = ensureSigningKey(at('key.pem'));
});

const openWith = async (path: string, trust: TrustOptions = {}): Promise<StoredSnapshot> =>
  open(path, await placesFor(trust));

/** Pages of every kind: zeros, text, noise. */
function memoryOf(seed: number, pages = 40): Buffer {
  const next = random(seed);
  const bytes = Buffer.alloc(pages * PAGE);
  for (let page = 0; page < pages; page++) {
    if (page % 4 === 0) continue;
    const start = page * PAGE + Math.floor(next() * 16) * 4096;
    const length = Math.min(bytes.length - start, Math.floor(next() * PAGE));
    for (let i = 0; i < length; i++) {
      bytes[start + i] = page % 4 === 1 ? Math.floor(next() * 256) : 'the quick brown fox '.charCodeAt(i % 20);
    }
  }
  return bytes;
}

const forms: Record<string, () => FileForm> = {
  plain: () => ({}),
  signed: () => ({ signingKey }),
  compressed: () => ({ packing: { level: 1, recipients: [] } }),
  encrypted: () => ({ packing: { recipients: [recipient] } }),
  'compressed, encrypted and signed': () => ({ packing: { level: 3, recipients: [recipient] }, signingKey }),
};

describe.each(Object.keys(forms))('%s', (kind) => {
  const path = at(`${kind}.wsnap`);
  const memory = memoryOf(1);
  beforeAll(() => writeGeneration(path, memory, undefined, undefined, undefined, forms[kind]()));

  test('is what was written', async () => {
    const stored = await openWith(path, { identities: [identity] });
    expect((await readMemory(stored)).equals(memory)).toBe(true);
    expect(readSnapshotModule(stored, stored.snapshot.modules[0])).toEqual(Buffer.from(MODULE_BYTES));
    expect(stored.size).toBe(statSync(path).size);
    expect((await verifySnapshot(stored)).map(({ hasDigests }) => hasDigests)).toEqual([true]);
    expect(stored.signer).toBe(kind.includes('signed') ? signingKey.publicKey : undefined);
    expect(stored.isEncrypted).toBe(kind.includes('encrypted'));
  });

  test('is the same snapshot as a plain one', async () => {
    const stored = await openWith(path, { identities: [identity] });
    const again = at(`${kind}-again.wsnap`);
    await compactSnapshot(stored, again);
    expect((await readMemory(await openWith(again))).equals(memory)).toBe(true);
  });

  test.runIf(kind.includes('encrypted'))('needs its identity', async () => {
    await expect(openWith(path)).rejects.toThrow('is encrypted: give the file of an age identity');
    await expect(openWith(path, { identities: [other] })).rejects.toThrow('for none of the identities');
    expect(readFileSync(path).includes('quick brown')).toBe(false);
  });
});

test('chains mix files of all kinds', async () => {
  const own = mkdtempSync(join(folder, 'chain-'));
  const kinds = Object.keys(forms);
  const memory = memoryOf(7);
  let parent: StoredSnapshot | undefined;
  const next = random(3);
  for (let n = 0; n < 10; n++) {
    for (let i = 0; i < 3; i++) memory.fill(n + 1, Math.floor(next() * 39 * PAGE)).subarray(0, 0);
    for (let i = 0; i < 3; i++) {
      const start = Math.floor(next() * 600) * 4096;
      memory.fill(n * 3 + i, start, start + 5000);
    }
    const path = join(own, `${n}.wsnap`);
    await writeGeneration(path, memory, parent, undefined, undefined, forms[kinds[n % kinds.length]]());
    parent = await openWith(path, { identities: [identity] });
    expect((await readMemory(parent)).equals(memory)).toBe(true);
    await verifySnapshot(parent);
  }
  await expect(openWith(join(own, '8.wsnap'), { identities: [other] })).rejects.toThrow('identit');
  expect(readdirSync(own).every((name) => name.endsWith('.wsnap'))).toBe(true);
});

test('a changed byte anywhere is found', async () => {
  const path = at('changed.wsnap');
  for (const [kind, form] of Object.entries(forms)) {
    if (kind === 'plain' || kind === 'signed') continue;
    await writeGeneration(path, memoryOf(5, 8), undefined, undefined, undefined, form());
    const whole = readFileSync(path);
    const next = random(11);
    for (let i = 0; i < 60; i++) {
      const changed = Buffer.from(whole);
      changed[Math.floor(next() * whole.length)] ^= 1 << Math.floor(next() * 8);
      writeFileSync(path, changed);
      const checked = openWith(path, { identities: [identity] }).then((stored) => verifySnapshot(stored));
      await expect(checked).rejects.toThrow(InputError);
    }
  }
});

describe('a file that says that it is huge is a limit, and nothing of that size is asked for', () => {
  const EXTENT_SIZE = 1 << 17;
  const path = at('huge.wsnap');

  /** A file of one extent, with all hashes right. */
  function write(extent: Uint8Array, size = EXTENT_SIZE, keyBytes = 0): void {
    const hash = createHash('sha256').update(extent).digest();
    const rows = [{ number: 0, length: extent.length, hash }];
    const index = encodeIndex({ codec: 'zstd', extent: EXTENT_SIZE, size }, rows);
    const header = encodePackedHeader({ keyPart: undefined, index });
    if (keyBytes > 0) {
      header.writeUInt32LE(1, 0);
      header.writeUInt32LE(keyBytes, 4);
    }
    const end = PACKED_START + extent.length;
    const front = Buffer.alloc(PACKED_START);
    front.set(encodePrologue(end, header, PACKED_VERSION));
    writeFileSync(path, Buffer.concat([front, extent, header]));
  }

  /** The header of a frame that says that it contains 2^40 bytes (RFC 8878, 3.1.1.1), and a block. */
  const bomb = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x38, 0, 0, 0, 0, 0, 1, 0, 0, 0x03, 0xff, 0xff, 0]);

  test.each([
    ['an extent', () => write(bomb), /extent 0 unpacks to 1099511627776 bytes, more than the 131072 that it may have/],
    ['the contents', () => write(Buffer.from([1]), 2 ** 52), /says that it unpacks to 4503599627370496 bytes/],
    ['the key', () => write(Buffer.from([1]), EXTENT_SIZE, 0xfffffff0), /its key has 4294967280 bytes/],
  ])('%s', async (_, make, says) => {
    make();
    const error = await openWith(path, { identities: [identity] }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LimitError);
    expect((error as Error).message).toMatch(says);
  });

  test('an extent that unpacks to more than it says is damaged', async () => {
    const frame = Buffer.from(await zstd().compress(Buffer.alloc(EXTENT_SIZE * 16), 1));
    const [whole, said] = [Buffer.alloc(4), Buffer.alloc(4)];
    whole.writeUInt32LE(EXTENT_SIZE * 16);
    said.writeUInt32LE(EXTENT_SIZE);
    const at = frame.indexOf(whole);
    expect(at).toBeGreaterThan(0);
    frame.set(said, at);
    write(frame);
    await expect(openWith(path)).rejects.toThrow(/extent 0 at offset 256: it does not unpack to 131072 bytes/);
  });
});
