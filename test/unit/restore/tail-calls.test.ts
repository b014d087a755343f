/** Stacks on which a function is in another one's place: those that a tail call can leave, and those that it cannot. */

import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { readImage } from '../../../src/image/reader.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { References } from '../../../src/restore/placed-references.js';
import { type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModuleBytes } from '../../../src/wasm/wat.js';

const params = (count: number) => `(param ${'i64 '.repeat(count)})`;
const zeros = (count: number) => '(i64.const 0) '.repeat(count);

/** Functions by index, then the entry; `tail` is what $called ends with. */
async function imageOf(tail: string, start = '(drop (call $called (i64.const 1)))') {
  const text = `(module
    (type $called (func (param i64) (result i64)))
    (table funcref (elem $called))
    (func $called (type $called) ${tail})
    (func $same (type $called) (local.get 0))
    (func $wide ${params(12)} (result i64) (local.get 11))
    (func $wider ${params(40)} (result i64) (local.get 11))
    (func $other (param i64) (result i32) (i32.const 1))
    (func $indirect (result i64) (call_indirect (type $called) (i64.const 1) (i32.const 0)))
    (func $none ${params(12)})
    (func (export "_start") ${start} (drop (call $indirect))))`;
  const module = decodeModule(await readModuleBytes(Buffer.from(text)));
  const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
  const { sites } = image;
  const callIn = (func: number): number => {
    const { first, end } = sites.sitesOf(sites.functionRow(1, func));
    for (let row = first; row < end; row++) if (sites.site(row).kind === 0) return sites.site(row).bodyOffset;
    throw new Error('no call');
  };
  const bare = (func: number, kind: 'entry' | 'call', offset: number, count: number): FrameSite => ({
    instance: 0,
    func,
    offset,
    kind,
    locals: new Uint8Array(count).fill(ValType.I64),
    operands: new Uint8Array(0),
  });
  const entry = (func: number) => bare(func, 'entry', 0, module.types[module.funcTypes[func]].params.length);
  const call = (func: number) => bare(func, 'call', callIn(func), 0);
  const lower = (...frames: FrameSite[]) => {
    const count = frames.reduce((sum, { locals }) => sum + locals.length, 0);
    const snapshot = {
      frames: new Frames(frames, Uint32Array.from(frames.keys()), new Uint32Array(count * 2).fill(7)),
      phase: { instance: 0, kind: 'entry' },
    } as Snapshot;
    return lowerStack(snapshot, image, [module], new References(image.identity), x64).bytes;
  };
  return { entry, call, lower };
}

const [called, same, wide, wider, other, indirect, none, start] = [0, 1, 2, 3, 4, 5, 6, 7];
const WITHOUT = '(local.get 0)';
const IN_PLACE = '(return_call $same (local.get 0))';
const WITH_ROOM = `(return_call $wide ${zeros(12)})`;

describe('a frame in the place of the function that was called', () => {
  test('is refused without tail calls in the module', async () => {
    const { entry, call, lower } = await imageOf(WITHOUT);
    expect(lower(entry(called), call(start)).length).toBeGreaterThan(0);
    expect(() => lower(entry(same), call(start))).toThrow(InputError);
    expect(() => lower(entry(same), call(start))).toThrow(/calls function 0 of instance 0, but function 1/);
    expect(() => lower(entry(same), call(indirect), call(start))).toThrow(InputError);
  });

  test('may be of any type that fits and gives the same', async () => {
    const { entry, call, lower } = await imageOf(IN_PLACE);
    expect(lower(entry(same), call(start)).length).toBeGreaterThan(0);
    const roomy = await imageOf(WITH_ROOM);
    const stack = roomy.lower(roomy.entry(wide), roomy.call(start));
    // The stack arguments are in the area that the caller has reserved: all 7s, above the return address.
    const words = new BigUint64Array(stack.buffer, stack.byteOffset, stack.length / 8);
    expect([...words.subarray(1, 4)]).toEqual(Array.from({ length: 3 }, () => 0x700000007n));
    expect(roomy.lower(roomy.entry(wider), roomy.call(start)).length).toBe(stack.length);
  });

  test('is refused when its parameters do not fit the area of the outer frame', async () => {
    const { entry, call, lower } = await imageOf(IN_PLACE);
    expect(() => lower(entry(wide), call(start))).toThrow(/frame #1 .*function 2 of instance 0 is the next frame/);
    expect(() => lower(entry(wider), call(start))).toThrow(InputError);
    expect(() => lower(entry(wide), call(indirect), call(start))).toThrow(/another type of function|through a table/);
  });

  test('is refused when it gives other results', async () => {
    const { entry, call, lower } = await imageOf(WITH_ROOM);
    expect(() => lower(entry(other), call(start))).toThrow(InputError);
    expect(() => lower(entry(none), call(start))).toThrow(InputError);
    expect(() => lower(entry(other), call(indirect), call(start))).toThrow(InputError);
  });

  test('may be what a call through a table has led to', async () => {
    const { entry, call, lower } = await imageOf(WITH_ROOM);
    expect(lower(entry(wide), call(indirect), call(start)).length).toBeGreaterThan(0);
  });

  test('may be the entry, when there is room below the trampoline', async () => {
    const roomy = await imageOf(WITHOUT, `(return_call $none ${zeros(12)})`);
    expect(roomy.lower(roomy.entry(none)).length).toBeGreaterThan(12 * 4);
    const { entry, lower } = await imageOf(IN_PLACE);
    expect(() => lower(entry(none))).toThrow(/not the entry function/);
    expect(() => roomy.lower(roomy.entry(wide))).toThrow(/not the entry function/);
  });
});

/** One function of each type that matters, in a module whose tail call is `tail`; $host is imported. */
async function variedImage(tail: string) {
  const more = x64.plan.argInts.length + 1;
  const text = `(module
    (type $less (func (param i64) (result i64)))
    (type $more (func ${params(more)} (result i64)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $host (result i32)))
    (table funcref (elem $less))
    (func $less (type $less) (local.get 0))
    (func $one-more (type $more) (local.get 0))
    (func $also-more (type $more) (local.get 0))
    (func $like-host (result i32) (i32.const 1))
    (func $tail (param i64) (result i64) ${tail})
    (func $call-more (drop (call $one-more ${zeros(more)})))
    (func $call-host (drop (call $host)))
    (func $call-less (drop (call $less (i64.const 0))))
    (func (export "_start") (call $call-more) (call $call-host) (call $call-less)))`;
  const module = decodeModule(await readModuleBytes(Buffer.from(text)));
  const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
  const { sites } = image;
  const calls = (func: number) => {
    const { first, end } = sites.sitesOf(sites.functionRow(1, func));
    return Array.from({ length: end - first }, (_, i) => sites.site(first + i)).filter(({ kind }) => kind === 0);
  };
  const frame = (func: number, kind: 'entry' | 'call', offset: number, count: number): FrameSite => ({
    instance: 0,
    func,
    offset,
    kind,
    locals: new Uint8Array(count).fill(ValType.I64),
    operands: new Uint8Array(0),
  });
  /** A stack of the entry, which calls `outer`, which calls a function in whose place `inner` is. */
  return (outer: number, nth: number, inner: number) => {
    const count = module.types[module.funcTypes[inner]].params.length;
    const frames = [
      frame(inner, 'entry', 0, count),
      frame(outer, 'call', calls(outer)[0].bodyOffset, 0),
      frame(9, 'call', calls(9)[nth].bodyOffset, 0),
    ];
    const snapshot = {
      frames: new Frames(frames, Uint32Array.of(0, 1, 2), new Uint32Array(count * 2)),
      phase: { instance: 0, kind: 'entry' },
    } as Snapshot;
    return lowerStack(snapshot, image, [module], new References(image.identity), x64).bytes;
  };
}

describe('by a tail call', () => {
  const [host, less, more, alsoMore, likeHost] = [0, 1, 2, 3, 4];
  const [callMore, callHost, callLess] = [[6, 0] as const, [7, 1] as const, [8, 2] as const];
  const DIRECT = '(return_call $less (i64.const 0))';
  const groups = `(local ${'i32 '.repeat(3)} i64 ${'f32 '.repeat(0x44)})`; // 0x44 read as an instruction takes 8 bytes more

  test.each([
    ['return_call', DIRECT],
    ['return_call_indirect', '(return_call_indirect (type $less) (i64.const 0) (i32.const 0))'],
    ['one after local declarations', `${groups} ${DIRECT}`],
  ])('%s: a function takes the place of one that has as many slots', async (_, tail) => {
    const lower = await variedImage(tail);
    expect(lower(...callLess, less).length).toBeGreaterThan(0);
    expect(lower(...callMore, more).length).toBeGreaterThan(0);
    expect(lower(...callMore, alsoMore).length).toBeGreaterThan(0);
    expect(lower(...callMore, less).length).toBeGreaterThan(0);
  });

  test('none takes the place of one that has a slot less', async () => {
    const lower = await variedImage(DIRECT);
    expect(() => lower(...callLess, more)).toThrow(/calls function 1 of instance 0, but function 2 .* next frame/);
  });

  test('none takes the place of a function of the host, which makes no tail calls', async () => {
    const lower = await variedImage(DIRECT);
    expect(lower(...callHost, host).length).toBeGreaterThan(0);
    expect(() => lower(...callHost, likeHost)).toThrow(/calls function 0 of instance 0, but function 4 .* next frame/);
  });
});
