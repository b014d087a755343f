/**
 * Forged packed files: thousands of random mutations of a compressed one and of an encrypted one, with the hashes made
 * right again, so that they reach the index, the key part and the extents. Each ends as InputError, as LimitError, or as
 * a snapshot whose pages can be read.
 *
 * WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, test } from 'vitest';
import { openSnapshot, placesFor } from '../../src/api/stored-snapshot.js';
import { InputError, LimitError } from '../../src/base/errors.js';
import { decodePrologue, encodePrologue, PACKED_VERSION, PROLOGUE_SIZE } from '../../src/snapshot/prologue.js';
import { random } from '../support/random.js';
import { seed, sized } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import { readMemory, writeGeneration } from '../unit/snapshot/chain-sample.js';

const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? sized(300, 10_000));
const folder = temporaryFolder();
const NUMBERS = [0, 1, 2, 4095, 4096, 131_072, 2 ** 20, 2 ** 31, 2 ** 32 - 1];
const INDEX_START = 24;

test(`${rounds} mutated packed files (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const next = random(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  const secret = await generateX25519Identity();
  const identity = join(folder, 'identity');
  writeFileSync(identity, `${secret}\n`);
  const recipient = await identityToRecipient(secret);
  const memory = Buffer.alloc(1 << 20);
  for (let i = 0; i < memory.length; i += 1000) memory.writeUInt32LE(below(2 ** 32), Math.min(i, memory.length - 4));
  const files: Buffer[] = [];
  for (const packing of [
    { level: 1, recipients: [] },
    { level: 1, recipients: [recipient] },
  ]) {
    const path = join(folder, `${files.length}.wsnap`);
    await writeGeneration(path, memory, undefined, undefined, undefined, { packing });
    files.push(readFileSync(path));
  }
  const places = await placesFor({ identities: [identity] });
  const path = join(folder, 'mutated.wsnap');
  let [refused, limits] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    writeFileSync(path, mutate(files[round % 2], round % 2 === 0, below));
    try {
      const stored = await openSnapshot(path, places);
      expect((await readMemory(stored)).length).toBeGreaterThanOrEqual(0);
    } catch (error) {
      if (error instanceof LimitError) limits++;
      else if (!(error instanceof InputError))
        throw new Error(`seed ${seed}, round ${round}: ${(error as Error).stack}`);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(rounds / 4);
  expect(rounds - refused + limits).toBeGreaterThan(0);
});

/** @param isPlain whether its index is not encrypted: then the hashes of extents can be made right, too */
function mutate(whole: Buffer, isPlain: boolean, below: (limit: number) => number): Buffer {
  const { headerOffset } = decodePrologue(whole.subarray(0, PROLOGUE_SIZE), whole.length, 'whole');
  const body = Buffer.from(whole.subarray(0, headerOffset));
  let header = Buffer.from(whole.subarray(headerOffset));
  const kind = below(3);
  if (kind === 0) header[below(header.length)] ^= 1 << below(8);
  else if (kind === 1) header.writeUInt32LE(NUMBERS[below(NUMBERS.length)], 4 * below(header.length >> 2));
  else if (isPlain) {
    // an extent's bytes
    const index = header.subarray(8 + header.readUInt32LE(4));
    const count = index.readUInt32LE(16);
    const row = below(count);
    let start = 256;
    for (let i = 0; i < row; i++) start += index.readUInt32LE(INDEX_START + 4 * (count + i));
    const extent = body.subarray(start, start + index.readUInt32LE(INDEX_START + 4 * (count + row)));
    extent[below(Math.min(extent.length, 64))] = below(256);
    index.set(createHash('sha256').update(extent).digest(), INDEX_START + 8 * count + 32 * row);
  } else header = header.subarray(0, below(header.length));
  body.set(encodePrologue(headerOffset, header, PACKED_VERSION));
  return Buffer.concat([body, header]);
}
