/** Images whose parts do not fit together: each is refused with what is wrong, before anything relies on it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { beforeAll, describe, expect, test } from 'vitest';
import { targets } from '../../../../src/arch/targets.js';
import { readImage } from '../../../../src/image/reader.js';
import { SECTION } from '../../../../src/image/tables/sections.js';
import { checkTrapText } from '../../../../src/image/trap-text-check.js';
import { withSection } from '../../../support/forged-image.js';
import { type Built, build, temporaryFolder } from '../../../support/workload.js';

const PROGRAM =
  '(module (memory 1) (table 3 funcref) (func (export "_start") (loop (br_if 0 (i32.load (i32.const 0))))))';
const PROGRAM_HEADERS = 64;
const HEADER = 56;
const P_FLAGS = 4;
const P_VADDR = 16;
const P_FILESZ = 32;
const folder = temporaryFolder();
let built: Built;
let bytes: Buffer;

beforeAll(async () => {
  built = await build(Buffer.from(PROGRAM), join(folder, 'image'));
  bytes = readFileSync(built.path);
});

/** A copy with another u32 in program header `index`. */
function segment(index: number, field: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(value, PROGRAM_HEADERS + HEADER * index + field);
  return copy;
}

function identity(change: (identity: Built['image']['identity']) => void): Buffer {
  const changed = structuredClone(built.image.identity);
  change(changed);
  return withSection(bytes, SECTION.identity, pack(changed));
}

/** As encodeIdentity does, without its checks: typed arrays are their bytes. */
function pack(value: unknown): Uint8Array {
  const plain = (one: unknown): unknown => {
    if (ArrayBuffer.isView(one)) return Buffer.from(one.buffer, one.byteOffset, one.byteLength);
    if (Array.isArray(one)) return one.map(plain);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key, plain(inner)]));
  };
  return new Packr({ useRecords: false }).pack(plain(value));
}

type Change = (identity: Built['image']['identity']) => void;

describe('segments', () => {
  test.each([
    ['of another kind', () => segment(0, 0, 3), /a segment of type 0x3/],
    ['to write and execute', () => segment(2, P_FLAGS, 7), /can be written and executed/],
    ['to execute besides text', () => segment(0, P_FLAGS, 5), /its executable segment is not its text/],
    ['without text', () => segment(2, P_FLAGS, 4), /its executable segment is not its text/],
    ['that overlap', () => segment(1, P_VADDR, 0), /overlap|not loaded/],
    ['with less text in the file', () => segment(2, P_FILESZ, 4096), /its executable segment is not its text/],
    ['with data that cannot be written', () => segment(1, P_FLAGS, 4), /its data is not loaded to be written/],
  ])('%s', (_, forge, message) => {
    expect(() => readImage(forge())).toThrow(message);
  });

  test('an entry outside of text, or another machine', () => {
    const entry = Buffer.from(bytes);
    entry.writeUInt32LE(64, 24);
    expect(() => readImage(entry)).toThrow(/it does not start in its text/);
    const machine = Buffer.from(bytes);
    machine.writeUInt16LE(40, 18);
    expect(() => readImage(machine)).toThrow(/it is for machine 40/);
  });
});

describe('identity', () => {
  test('is what it was', () => {
    expect(readImage(identity(() => {})).identity).toEqual(built.image.identity);
  });

  test.each([
    [
      'tables',
      (i) => void (i.instances[1].tables.types = new Array(100_001).fill({ element: 0x70, min: 0, max: null })),
    ],
    ['data segments', (i) => void (i.instances[1].dataSegments.count = 100_001)],
    ['functions', (i) => void (i.instances[1].functions.count = 3_000_000)],
  ] as [string, Change][])('names more %s than a module may have', (what, change) => {
    expect(() => readImage(identity(change))).toThrow(new RegExp(`has \\d+ ${what}, more than`));
  });

  test('has fewer functions than the table', () => {
    const less = identity((i) => {
      const { functions } = i.instances[1];
      functions.count--;
      functions.records = functions.records.slice(0, -1);
    });
    expect(() => readImage(less).sites).toThrow(/function \d+ of instance 1 is not in its identity/);
  });

  test('has trampolines elsewhere', () => {
    const moved = identity((i) => void (i.trampolines[0].returnOffset = 0));
    expect(() => readImage(moved).sites).toThrow(/a trampoline is not where its identity says/);
  });
});

describe('what it carries', () => {
  test('another module than it names', () => {
    const { size } = built.image.section(SECTION.wasm)!;
    const image = readImage(withSection(bytes, SECTION.wasm, Buffer.alloc(size)));
    expect(() => image.moduleBytes(1)).toThrow(/the module that it carries is not the one that it names/);
    expect(built.image.moduleBytes(1)).toBeDefined();
  });

  test.each(['x64', 'arm64'] as const)('trap text of %s that is not of its text', async (arch) => {
    const { image, path } = await build(Buffer.from(PROGRAM), join(folder, arch), { arch });
    checkTrapText(image, targets[arch]);
    const trapText = Buffer.from(image.sectionBytes(SECTION.trapText));
    for (const at of [0, trapText.length >> 1, trapText.length - 1]) {
      const changed = Buffer.from(trapText);
      changed[at] ^= 1;
      const forged = readImage(withSection(readFileSync(path), SECTION.trapText, changed));
      expect(() => checkTrapText(forged, targets[arch])).toThrow(/its trap text is not of its text/);
    }
    const short = readImage(withSection(readFileSync(path), SECTION.trapText, trapText.subarray(8)));
    expect(() => checkTrapText(short, targets[arch])).toThrow(/not as long as its text/);
  });
});
