/** Frames lowered onto the image of a small module: what goes where, and what is refused with which message. */

import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError, LimitError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { CTX_PC, CTX_SP } from '../../../src/image/contract/resume-plan.js';
import { readImage } from '../../../src/image/reader.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { References } from '../../../src/restore/placed-references.js';
import { type FrameKind, type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModuleBytes } from '../../../src/wasm/wat.js';
import { growth } from '../../support/cpu-time.js';

const I32 = ValType.I32;
const I64 = ValType.I64;
const FuncRef = ValType.FuncRef;

const text = `(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (type $unary (func (param i32) (result i32)))
  (table 2 funcref)
  (elem (i32.const 0) $down $yield)
  (func $down (type $unary) (local i64 funcref)
    (if (result i32) (local.get 0)
      (then (local.get 0) (i32.const 1000) (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.add) (i32.add))
      (else (drop (call $yield)) (i32.const 7))))
  (func $hidden (param i32) (result i32) (call_indirect (type $unary) (local.get 0) (i32.const 0)))
  (func (export "_start") (loop (drop (call $hidden (i32.const 3))) (br 0))))`;

const bytes = await readModuleBytes(Buffer.from(text));
const module = decodeModule(bytes);
const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
const references = new References(image.identity);
const [yieldFunc, down, hidden, start] = [0, 1, 2, 3];

/** Body offset of the n-th site of a kind in a function. */
function offsetOf(func: number, kind: 'call' | 'loop', n = 0): number {
  const { sites } = image;
  const { first, end } = sites.sitesOf(sites.functionRow(1, func));
  const wanted = kind === 'call' ? 0 : 1;
  for (let row = first; row < end; row++) {
    const site = sites.site(row);
    if (site.kind === wanted && n-- === 0) return site.bodyOffset;
  }
  throw new Error('no such site');
}

interface TestFrame {
  func: number;
  kind: FrameKind;
  offset?: number;
  instance?: number;
  locals?: [ValType, number, number?][];
  operands?: [ValType, number, number?][];
}

function lower(frames: TestFrame[], phase: Snapshot['phase'] = { instance: 0, kind: 'entry' }) {
  // Frames at the same place share their site, as in a snapshot.
  const all = frames.map(siteOf);
  const keys = all.map((site) => JSON.stringify(site));
  const unique = [...new Set(keys)];
  const sites = unique.map((key) => all[keys.indexOf(key)]);
  const words = frames.flatMap(({ locals = [], operands = [] }) =>
    [...locals, ...operands].flatMap(([, lo, hi = 0]) => [lo, hi]),
  );
  const snapshot = {
    frames: new Frames(
      sites,
      Uint32Array.from(keys, (key) => unique.indexOf(key)),
      Uint32Array.from(words),
    ),
    phase,
  } as Snapshot;
  return lowerStack(snapshot, image, [module], references, x64);
}

const bottom: TestFrame = { func: start, kind: 'call', offset: offsetOf(start, 'call') };
const indirect: TestFrame = { func: hidden, kind: 'call', offset: offsetOf(hidden, 'call'), locals: [[I32, 3]] };
const locals = (n: number): [ValType, number, number?][] => [
  [I32, n],
  [I64, 1, 2],
  [FuncRef, down, 1],
];
const recursion = (n: number): TestFrame => ({
  func: down,
  kind: 'call',
  offset: offsetOf(down, 'call', 0),
  locals: locals(n),
  operands: [
    [I32, n],
    [I32, 1000],
  ],
});
const innermost: TestFrame = { func: yieldFunc, kind: 'entry' };
const calling: TestFrame = { func: down, kind: 'call', offset: offsetOf(down, 'call', 1), locals: locals(0) };
const whole = [innermost, calling, recursion(1), recursion(2), recursion(3), indirect, bottom];

describe('lowerStack', () => {
  test('builds the stack from the innermost frame to the trampoline', () => {
    const { bytes: stack, relocations, context } = lower(whole);
    const view = new DataView(context.buffer);
    expect(view.getBigInt64(CTX_SP, true)).toBe(-BigInt(stack.length));
    const { sites, identity } = image;
    const codeAt = (at: number) =>
      sites.functionAt(new DataView(stack.buffer).getUint32(at, true) - identity.text.imageOffset);
    expect(sites.functionAt(view.getUint32(CTX_PC, true) - identity.text.imageOffset)).toBe(
      sites.functionRow(1, yieldFunc),
    );
    expect(codeAt(0)).toBe(sites.functionRow(1, down));
    expect(sites.function(codeAt(stack.length - 8)).kind).toBe(4);
    // a return address per frame and a function reference in each frame of $down
    expect(relocations.length).toBe(whole.length + 4);
  });

  test('takes a time that grows as the number of frames', () => {
    const deep = (depth: number) => {
      const recursions = Array.from({ length: depth }, (_, i) => recursion(i + 1));
      expect(lower([innermost, calling, ...recursions, indirect, bottom]).bytes.length).toBeGreaterThan(50 * depth);
    };
    deep(100_000);
    expect(growth(deep, 2000)).toBeLessThan(50);
  });

  test('continues at a loop and at an entry', () => {
    expect(lower([{ func: start, kind: 'loop', offset: offsetOf(start, 'loop') }]).bytes.length).toBeGreaterThan(0);
    expect(lower([{ func: start, kind: 'entry' }]).bytes.length).toBe(8);
    expect(lower([{ func: hidden, kind: 'entry', locals: [[I32, 5]] }, bottom]).bytes.length).toBeGreaterThan(8);
    expect(lower([{ ...indirect, kind: 'return', operands: [[I32, 9]] }, bottom]).bytes.length).toBeGreaterThan(8);
  });

  const refused: [string, TestFrame[], RegExp][] = [
    ['no frames', [], /no frames/],
    ['an unknown instance', [{ func: start, kind: 'entry', instance: 1 }], /frame #0 .*no instance 1/],
    ['an unknown function', [{ func: 99, kind: 'entry' }], /no function 99/],
    ['the function after the last', [{ func: 4, kind: 'entry' }], /no function 4/],
    ['a trap', [{ func: start, kind: 'trap' }], /cannot continue at a trap/],
    [
      'a site that was called rightly, with another caller',
      [innermost, calling, recursion(1), recursion(2), bottom],
      /frame #4 .*another type|frame #4 .*calls function 2/,
    ],
    [
      'a site that has called rightly, with another callee',
      [innermost, calling, recursion(1), indirect, recursion(1), indirect, bottom],
      /frame #4 .*calls function 1 of instance 0, but function 2/,
    ],
    ['an offset without a site', [{ ...bottom, offset: 2 }].map((f) => ({ ...f, kind: 'loop' })), /no loop there/],
    ['a call as the innermost frame', [bottom], /only the innermost/],
    [
      'a loop further out',
      [innermost, { func: start, kind: 'loop', offset: offsetOf(start, 'loop') }],
      /frame #0: .* is not the wag_snap_restored function/,
    ],
    ['missing locals', [innermost, { ...calling, locals: [] }, indirect, bottom], /frame #1 .*its locals/],
    [
      'locals of other types',
      [
        innermost,
        {
          ...calling,
          locals: [
            [I64, 0],
            [I64, 1],
            [FuncRef, 0],
          ],
        },
        indirect,
        bottom,
      ],
      /its locals/,
    ],
    ['too many operands', [innermost, { ...calling, operands: [[I32, 1]] }, indirect, bottom], /its operands/],
    [
      'another constant',
      [
        innermost,
        calling,
        {
          ...recursion(1),
          operands: [
            [I32, 1],
            [I32, 1001],
          ],
        },
        indirect,
        bottom,
      ],
      /operand 1 has another value/,
    ],
    [
      'another copy of a local',
      [
        innermost,
        calling,
        {
          ...recursion(1),
          operands: [
            [I32, 2],
            [I32, 1000],
          ],
        },
        indirect,
        bottom,
      ],
      /operand 0 has another value/,
    ],
    [
      'a direct call of another function',
      [{ func: hidden, kind: 'entry', locals: [[I32, 0]] }, calling, indirect, bottom],
      /frame #1 .*calls function 0/,
    ],
    ['an indirect call of another type', [innermost, indirect, bottom], /another type of function/],
    [
      'an indirect call of a function without a reference',
      [{ func: hidden, kind: 'entry', locals: [[I32, 0]] }, indirect, bottom],
      /cannot have been called through a table/,
    ],
    [
      'a bottom frame that is not the entry',
      [{ func: hidden, kind: 'entry', locals: [[I32, 0]] }],
      /frame #0: function 2 .*not the entry function/,
    ],
    ['an import that has called', [innermost, { func: yieldFunc, kind: 'call' }, bottom], /no code of its own/],
    [
      'a reference to nothing',
      [
        innermost,
        {
          ...calling,
          locals: [
            [I32, 0],
            [I64, 0],
            [FuncRef, 99, 1],
          ],
        },
        indirect,
        bottom,
      ],
      /function 99 of instance 0, which does not exist/,
    ],
    [
      'a reference that cannot be',
      [
        innermost,
        {
          ...calling,
          locals: [
            [I32, 0],
            [I64, 0],
            [FuncRef, hidden, 1],
          ],
        },
        indirect,
        bottom,
      ],
      /can have no reference/,
    ],
  ];
  test.each(refused)('refuses %s', (_, frames, message) => {
    expect(() => lower(frames)).toThrow(InputError);
    expect(() => lower(frames)).toThrow(message);
  });

  test('refuses the phase of a start function that is not there', () => {
    expect(() => lower([{ func: start, kind: 'entry' }], { instance: 0, kind: 'start' })).toThrow(/no start function/);
    expect(() => lower([{ func: start, kind: 'entry' }], { instance: 7, kind: 'entry' })).toThrow(InputError);
  });

  test('refuses a stack that is too large', () => {
    const { sites } = image;
    const frame = sites.function(sites.functionRow(1, down)).frameSize + 8;
    const count = Math.ceil(2 ** 28 / frame);
    const site: FrameSite = { ...siteOf(recursion(1)) };
    const snapshot = {
      frames: new Frames(
        [siteOf(innermost), siteOf(calling), site, siteOf(indirect), siteOf(bottom)],
        Uint32Array.from({ length: count + 4 }, (_, i) => (i < 2 ? i : i < count + 2 ? 2 : i - count + 1)),
        new Uint32Array(0),
      ),
      phase: { instance: 0, kind: 'entry' },
    } as Snapshot;
    expect(() => lowerStack(snapshot, image, [module], references, x64)).toThrow(LimitError);
  });
});

test('an exception in a local becomes its place, relocated', async () => {
  const text = `(module (tag (param i32))
    (func (export "_start") (local exnref) (loop (br_if 0 (ref.is_null (local.get 0))))))`;
  const module = decodeModule(await readModuleBytes(Buffer.from(text)));
  const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
  const { first, end } = image.sites.sitesOf(image.sites.functionRow(1, 0));
  const loop = Array.from({ length: end - first }, (_, i) => image.sites.site(first + i)).find(
    ({ kind }) => kind === 1,
  )!;
  const references = new References(image.identity);
  references.exceptions = Uint32Array.of(0x1230, 0x4560);
  const lowered = (lo: number) => {
    const site = siteOf({ func: 0, kind: 'loop', offset: loop.bodyOffset, locals: [[ValType.ExnRef, lo]] });
    const frames = new Frames([site], Uint32Array.of(0), Uint32Array.of(lo, 0));
    const phase = { instance: 0, kind: 'entry' };
    const { bytes, relocations, context, contextRelocations } = lowerStack(
      { frames, phase } as Snapshot,
      image,
      [module],
      references,
      x64,
    );
    const words = (part: Uint8Array, places: Iterable<number>) =>
      Array.from(places, (at) => new DataView(part.buffer, part.byteOffset).getUint32(at, true));
    return [...words(bytes, relocations), ...words(context, contextRelocations)];
  };
  expect(lowered(2)).toContain(0x4560);
  expect(lowered(2).length).toBe(lowered(0).length + 1);
  expect(() => lowered(3)).toThrow(/frame #0: value 0: refers to an exception that does not exist/);
});

function siteOf({ func, kind, offset = 0, instance = 0, locals = [], operands = [] }: TestFrame): FrameSite {
  const types = (values: [ValType, number, number?][]) => Uint8Array.from(values, ([type]) => type);
  return { instance, func, offset, kind, locals: types(locals), operands: types(operands) };
}
