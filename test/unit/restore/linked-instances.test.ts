/**
 * Snapshots of two linked instances: to which instance a called function, an exception's tag and a referenced function
 * belong.
 */

import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import type { DataPatch } from '../../../src/image/data-patch.js';
import { readImage } from '../../../src/image/reader.js';
import { putInstances } from '../../../src/restore/instance-data.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { placeExceptions } from '../../../src/restore/placed-exceptions.js';
import { References } from '../../../src/restore/placed-references.js';
import { type FrameKind, type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';
import { I32, moduleOf, STANDARD } from '../../support/function-references.js';

const library = await readModule(
  Buffer.from(`(module
    (func $unused)
    (func (export "one") (param i32) (result i32) (local.get 0))
    (tag (export "tag") (param i32)))`),
  'library.wat',
);
const main = await readModule(
  Buffer.from(`(module
    (import "library" "one" (func $one (param i32) (result i32)))
    (import "library" "tag" (tag $theirs (param i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (tag $ours (param i32))
    (func $same (param i32) (result i32) (local.get 0))
    (func (export "_start") (drop (call $one (i32.const 1)))))`),
  'main.wat',
);
const modules = [library, main];
const inputs = [
  { module: library, name: 'library', file: 'library.wat' },
  { module: main, file: 'main.wat' },
];
const image = readImage(compileImage(inputs, { target: x64 }).bytes);
const [LIBRARY, MAIN] = [0, 1];
const [one, start] = [1, 3];

const site = (instance: number, func: number, kind: FrameKind, offset: number, params: number): FrameSite => ({
  instance,
  func,
  offset,
  kind,
  locals: new Uint8Array(params).fill(ValType.I32),
  operands: new Uint8Array(0),
});

describe('a frame below a call of an import', () => {
  const { sites } = image;
  const { first, end } = sites.sitesOf(sites.functionRow(2, start));
  const rows = Array.from({ length: end - first }, (_, i) => sites.site(first + i));
  const bottom = site(MAIN, start, 'call', rows.find(({ kind }) => kind === 0)!.bodyOffset, 0);
  const lower = (inner: FrameSite) => {
    const frames = new Frames([inner, bottom], Uint32Array.of(0, 1), Uint32Array.of(1, 0));
    const snapshot = { frames, phase: { instance: MAIN, kind: 'entry' } } as Snapshot;
    return lowerStack(snapshot, image, modules, new References(image.identity), x64);
  };

  test('is of the function that it is linked to', () => {
    expect(lower(site(LIBRARY, one, 'entry', 0, 1)).bytes.length).toBeGreaterThan(0);
  });

  test.each([
    ['of another function there', site(LIBRARY, 0, 'entry', 0, 0)],
    ['of the function of that index in the calling instance', site(MAIN, 1, 'entry', 0, 0)],
    ['of a function of the same type in the calling instance', site(MAIN, 2, 'entry', 0, 1)],
  ])('is not %s', (_, inner) => {
    expect(() => lower(inner)).toThrow(/frame #1 .*calls function 1 of instance 0, but function \d of instance/);
  });
});

test('a reference names a function by its own instance, and one of the host by the instance that imports it', () => {
  const references = new References(image.identity);
  const record = (instance: number, func: number) => references.record(func, instance + 1, () => 'here');
  expect(record(LIBRARY, one)).toBeGreaterThan(0);
  expect(record(MAIN, 1)).toBeGreaterThan(0);
  expect(() => record(MAIN, 0)).toThrow(/function 0 of instance 1, to which the program can have no reference/);
});

describe('an exception', () => {
  const place = (instance: number, tag: number) => {
    const exception = { instance, tag, types: Uint8Array.of(ValType.I32), words: Uint32Array.of(7, 0) };
    return placeExceptions([exception], modules, new References(image.identity), 1024);
  };

  test('has a tag that its instance defines', () => {
    const records = [place(LIBRARY, 0), place(MAIN, 1)].map(({ bytes }) => Buffer.from(bytes).readUInt32LE(0));
    expect(records[0]).toBe(image.identity.instances[1].start + image.identity.instances[1].tags!.records);
    expect(records[1]).toBe(image.identity.instances[2].start + image.identity.instances[2].tags!.records);
  });

  test('has none that its instance imports, and none that is not there', () => {
    expect(() => place(MAIN, 0)).toThrow(/exceptions\[0\]: tag 0 of instance 1 belongs to another instance/);
    expect(() => place(MAIN, 2)).toThrow(/instance 1 has no tag 2/);
    expect(() => place(LIBRARY, 1)).toThrow(/instance 0 has no tag 1/);
  });
});

describe('an element of a typed table', () => {
  // Function 0 is of type 0 in the one module, and of type 1 in the other.
  const typed = (own: number) =>
    decodeModule(
      moduleOf({
        types: [
          [[[I32]], [[I32]]],
          [[], []],
        ],
        functions: [
          { type: own, code: own === 0 ? [0x20, 0] : [] },
          { type: 1, code: [] },
        ],
        tables: [[STANDARD.refNull, 0, 0, 1]],
        exports: { a: 0, _start: 1 },
      }),
    );
  const both = [typed(0), typed(1)];
  const typedImage = readImage(
    compileImage(
      both.map((module, i) => ({ module, name: `m${i}`, file: 'test' })),
      { target: x64 },
    ).bytes,
  );
  const put = (...owners: number[]) => {
    const instances = owners.map((owner) => ({
      module: 0,
      globals: [],
      tables: [{ type: ValType.FuncRef, elements: Uint32Array.of(0, owner + 1), max: 1 }],
      memories: [],
      droppedData: new Uint8Array(0),
      droppedElements: new Uint8Array(0),
    }));
    const phase = { kind: 'entry', instance: 1 };
    const snapshot = { instances, phase } as unknown as Snapshot;
    return putInstances(snapshot, both, new References(typedImage.identity), {} as DataPatch);
  };

  test('is a function of its type, of whatever instance', () => {
    expect(put(0, 0).tables.map(({ elements }) => elements[0])).not.toContain(0);
  });

  test.each([[1, 0] as const, [0, 1] as const])('is none of another type: of instance %i and %i', (...owners) => {
    expect(() => put(...owners)).toThrow(/table 0, element 0: refers to a function of another type/);
  });
});
