/** Sections of the annex that cannot be skipped: the header names them, and readers that do not know them refuse. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { expect, test } from 'vitest';
import { ANNEX_BLOCK, ANNEX_BLOCK_SIZE } from '../../../src/snapshot/annex-block.js';
import { readSnapshot, SnapshotWriter } from '../../../src/snapshot/format.js';
import { decodeHeader, encodeHeader, formatNeeded } from '../../../src/snapshot/header.js';
import { encodePrologue } from '../../../src/snapshot/prologue.js';
import type { Snapshot } from '../../../src/snapshot/snapshot.js';
import { inFolder, sampleSnapshot } from './sample.js';

const embedder = {
  session: '0123456789abcdef'.repeat(2),
  lastCall: 7,
  isPending: true,
  imports: [{ module: 'env', name: 'ask' }],
};
const plain = sampleSnapshot([], undefined);
const asking: Snapshot = {
  ...plain,
  instances: [{ ...plain.instances[0], memories: [] }],
  host: { ...plain.host, embedder },
};

/** The header of `asking`, changed. */
function header(change: (raw: Record<string, unknown>) => void): Uint8Array {
  const raw = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(encodeHeader(asking));
  change(raw);
  return new Packr({ useRecords: false, variableMapSize: true }).pack(raw);
}

async function write(path: string): Promise<void> {
  const writer = new SnapshotWriter(path);
  await writer.seal(asking);
  await writer.commit();
}

/** Puts another header in its place, of a format. */
function replaceHeader(path: string, bytes: Uint8Array, version: number): void {
  const file = readFileSync(path);
  const at = Number(file.readBigUInt64LE(16));
  const changed = Buffer.concat([file.subarray(0, at), bytes]);
  encodePrologue(at, bytes, version).copy(changed);
  writeFileSync(path, changed);
}

test('a program with an embedder is of format 3, whose older readers refuse what they do not know', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await write(path);
    expect(readFileSync(path).readUInt32LE(8)).toBe(3);
    expect(readSnapshot(path).snapshot).toMatchObject({ needs: ['embedder'], host: { embedder } });
    expect(formatNeeded(plain)).toBe(1);
    expect(formatNeeded(asking)).toBe(3);
    expect(formatNeeded({ ...plain, needs: ['embedder'] })).toBe(3);
    const raw = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(encodeHeader(plain));
    expect(raw).not.toHaveProperty('needs');
  }));

test('one of an early version, which has the annex alone, is read', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await write(path);
    const early = header((raw) => delete raw.needs);
    replaceHeader(path, early, 1);
    expect(readSnapshot(path).snapshot.host.embedder).toEqual(embedder);
  }));

test('an older format with needs is refused', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await write(path);
    replaceHeader(path, encodeHeader(asking), 2);
    expect(() => readSnapshot(path)).toThrow('has values that format 2 does not know');
  }));

test('what is needed has to be there', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'x');
    await write(path);
    const bytes = readFileSync(path);
    bytes.fill(0, ANNEX_BLOCK, ANNEX_BLOCK + ANNEX_BLOCK_SIZE);
    writeFileSync(path, bytes);
    expect(() => readSnapshot(path)).toThrow(`${path}: annex: embedder is missing`);
  }));

test.each<[string, unknown, RegExp]>([
  ['another thing', ['embedder', 'lattice'], /^x: needs "lattice", which this wag-snap does not know$/],
  ['nothing', [], /header\.needs/],
  ['no name', ['\u001b[31m'], /header\.needs\.0: is no name of a feature/],
  ['33 things', Array(33).fill('embedder'), /header\.needs/],
  ['no list', 'embedder', /header\.needs/],
])('a snapshot that needs %s is refused', (_, needs, message) => {
  const bytes = header((raw) => {
    raw.needs = needs;
  });
  expect(() => decodeHeader(bytes, 4096, 'x')).toThrow(message);
});
