/** v128 values in a snapshot: two cells each, in globals and frames, in a file of format 2. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeSnapshot } from '../../../bin/show/snapshot.js';
import { InputError } from '../../../src/base/errors.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { decodeFrames, encodeFrames } from '../../../src/snapshot/frames-codec.js';
import { decodeHeader, encodeHeader, formatNeeded } from '../../../src/snapshot/header.js';
import { encodePrologue, PROLOGUE_SIZE } from '../../../src/snapshot/prologue.js';
import { type FrameSite, Frames, type Snapshot, type Value } from '../../../src/snapshot/snapshot.js';
import { SnapshotWriter } from '../../../src/snapshot/writer.js';
import { ValType } from '../../../src/wasm/module.js';
import { random } from '../../support/random.js';
import { numbers } from './programs.js';
import { inFolder, MODULE_BYTES, sampleSnapshot } from './sample.js';

const { I32, I64, V128, FuncRef } = {
  I32: ValType.I32,
  I64: ValType.I64,
  V128: ValType.V128,
  FuncRef: ValType.FuncRef,
};

const sites: FrameSite[] = [
  {
    instance: 0,
    func: 1,
    offset: 5,
    kind: 'return',
    locals: Uint8Array.of(V128, I32, V128),
    operands: Uint8Array.of(I64, V128, FuncRef),
  },
  { instance: 0, func: 2, offset: 9, kind: 'call', locals: Uint8Array.of(I32), operands: Uint8Array.of(V128) },
];

/** Three frames: words count up, but for what a type does not allow. */
function frames(): Frames {
  const words = Uint32Array.from({ length: 18 + 2 * 6 }, (_, i) => 0x80000000 + i);
  words[5] = words[19] = words[25] = 0; // the upper halves of i32
  words.set([3, 1], 16); // a reference
  return new Frames(sites, Uint32Array.of(0, 1, 1), words);
}

function snapshot(globals: Value[] = []): Snapshot {
  const sample = sampleSnapshot([], undefined);
  return { ...sample, frames: frames(), instances: [{ ...sample.instances[0], globals }] };
}

const words = (...list: number[]) =>
  list.reduce((bits, word, i) => bits | (BigInt(0x80000000 + word) << BigInt(32 * i)), 0n);

const fail = (where: string, what: string): never => {
  throw new InputError('snapshot', `${where}: ${what}`);
};

test('frames hold them in two cells, at places that depend on the types', () => {
  const stack = frames();
  expect([...stack.starts]).toEqual([0, 9, 12, 15]);
  expect(numbers(stack, 0)).toEqual([
    [words(0, 1, 2, 3), words(4), words(6, 7, 8, 9)],
    [words(10, 11), words(12, 13, 14, 15), (1n << 32n) | 3n],
  ]);
  expect(numbers(stack, 2)).toEqual([[words(24)], [words(26, 27, 28, 29)]]);
  expect(stack.value(1, 0).upper).toBeUndefined();
});

test('a header with them comes back, and so do globals', () => {
  const globals: Value[] = [
    { type: I32, lo: 1, hi: 0 },
    { type: V128, lo: 2, hi: 3, upper: { lo: 4, hi: 0xffffffff } },
    { type: I64, lo: 5, hi: 6 },
  ];
  const whole = snapshot(globals);
  const decoded = decodeHeader(encodeHeader(whole), 1 << 20, 'x');
  expect(decoded.instances[0].globals).toEqual(globals);
  expect(decoded.frames).toEqual(whole.frames);
});

test('are read from and printed by a file of format 2; one without them is of format 1', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'v.wsnap');
    const write = async (what: Snapshot) => {
      const writer = new SnapshotWriter(path);
      const [module] = what.modules;
      const fileOffset = writer.addModule(MODULE_BYTES);
      await writer.seal({ ...what, modules: [{ ...module, fileOffset }] });
      await writer.commit();
      return readFileSync(path).readUInt32LE(8);
    };
    const globals: Value[] = [{ type: V128, lo: 1, hi: 2, upper: { lo: 3, hi: 0xabcdef } }];
    expect(await write({ ...sampleSnapshot([], undefined) })).toBe(1);
    expect(await write(snapshot())).toBe(2);
    expect(await write({ ...snapshot(globals), frames: sampleSnapshot([], undefined).frames })).toBe(2);
    const stored = readSnapshot(path);
    const { instances } = describeSnapshot(stored).json as { instances: { globals: object[] }[] };
    expect(instances[0].globals).toEqual([{ type: 'v128', i32x4: ['0x1', '0x2', '0x3', '0xabcdef'] }]);
    expect(formatNeeded(stored.snapshot)).toBe(2);
  }));

describe('hostile columns', () => {
  const good = encodeFrames(frames());
  test.each<[string, object, RegExp]>([
    ['a word too few', { words: good.words.slice(0, -4) }, /has 29 words, the sites need 30/],
    ['a cell too many', { words: new Uint8Array(31 * 4) }, /has 31 words, the sites need 30/],
    ['a vector made a number', { types: good.types.slice().fill(I64, 0, 1) }, /has 30 words, the sites need 28/],
    ['a number made a vector', { types: good.types.slice().fill(V128, 1, 2) }, /has 30 words, the sites need 32/],
    ['a type that there is not', { types: good.types.slice().fill(V128 - 1, 0, 1) }, /0x7a is not a value type/],
    ['a reference after a vector to no instance', { words: patched(good.words, 17, 9) }, /frame 0, value 5/],
    ['an i32 after a vector with more bits', { words: patched(good.words, 5, 1) }, /frame 0, value 1: a 32-bit value/],
    ['an i32 of a later frame with more bits', { words: patched(good.words, 25, 1) }, /frame 2, value 0/],
  ])('with %s are refused', (_, part, message) => {
    expect(() => decodeFrames({ ...good, ...part }, 1, fail)).toThrow(InputError);
    expect(() => decodeFrames({ ...good, ...part }, 1, fail)).toThrow(message);
  });

  test('of any bytes are refused or hold what their types say', () => {
    const next = random(7);
    const below = (limit: number) => Math.floor(next() * limit);
    let accepted = 0;
    for (let i = 0; i < 5000; i++) {
      const columns = { ...good };
      const name = (['places', 'counts', 'types', 'of', 'words'] as const)[below(5)];
      const bytes = columns[name].slice(0, columns[name].length - (below(4) === 0 ? 4 : 0));
      bytes[below(bytes.length)] ^= 1 << below(8);
      columns[name] = bytes;
      try {
        const stack = decodeFrames(columns, 1, fail);
        accepted++;
        for (let frame = 0; frame < stack.count; frame++) {
          const { locals, operands } = stack.site(frame);
          for (let n = 0; n < locals.length + operands.length; n++) {
            const { type, lo, hi, upper } = stack.value(frame, n);
            expect(upper !== undefined).toBe(type === V128);
            expect(lo).toBeTypeOf('number');
            if (type === I32) expect(hi).toBe(0);
            if (upper !== undefined) expect(upper.hi).toBeTypeOf('number');
          }
        }
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
      }
    }
    expect(accepted).toBeGreaterThan(500);
  });
});

test('a global whose words do not match is refused', () => {
  const whole = snapshot([{ type: I64, lo: 1, hi: 2, upper: undefined }]);
  const bytes = Buffer.from(encodeHeader(whole));
  const at = bytes.indexOf(Buffer.from('globalTypes')) + 'globalTypes'.length;
  const type = bytes.indexOf(I64, at);
  expect(bytes.indexOf(I64, at)).toBeLessThan(at + 6);
  bytes[type] = V128;
  expect(() => decodeHeader(bytes, 1 << 20, 'x')).toThrow(/globalWords: does not match globalTypes/);
});

test('a file that says format 1 cannot hold them', () =>
  inFolder((folder) => {
    const path = join(folder, 'v.wsnap');
    const header = encodeHeader(snapshot());
    writeFileSync(path, Buffer.concat([encodePrologue(PROLOGUE_SIZE, header, 1), header]));
    expect(() => readSnapshot(path)).toThrow(/values that format 1 does not know/);
    writeFileSync(path, Buffer.concat([encodePrologue(PROLOGUE_SIZE, header, 2), header]));
    expect(readSnapshot(path).snapshot.frames.count).toBe(3);
  }));

/** A column with another word. */
function patched(column: Uint8Array, at: number, word: number): Uint8Array {
  const copy = column.slice();
  new DataView(copy.buffer).setUint32(at * 4, word, true);
  return copy;
}
