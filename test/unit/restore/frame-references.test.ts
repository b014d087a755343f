/** References in the locals and operands of frames: restore takes those of the type that the validator has there. */

import { expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { SITE_CALL, SITE_LOOP } from '../../../src/image/contract/site-tables.js';
import { readImage } from '../../../src/image/reader.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { References } from '../../../src/restore/placed-references.js';
import { type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';

const FuncRef = ValType.FuncRef;

const module = await readModule(
  Buffer.from(`(module
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (type $open (sub (func (param i32))))
    (type $below (sub $open (func (param i32))))
    (type $other (func))
    (func $a (type $open)) (func $b (type $below)) (func $c (type $other))
    (global $global (mut (ref null $open)) (ref.null $open))
    (elem declare func $a $b $c)
    (func (export "_start")
      (local $typed (ref null $open)) (local $unset (ref $open)) (local $any funcref)
      (ref.func $a)
      (global.get $global)
      (loop (drop (call $yield)))
      (local.set $typed) (drop)))`),
  'test.wat',
);
const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
const [NONE, A, B, C, START] = [-1, 1, 2, 3, 4];

/** Of the first site of a kind, SITE_*, of `_start`. */
function offsetOf(kind: number): number {
  const { first, end } = image.sites.sitesOf(image.sites.functionRow(1, START));
  for (let row = first; row < end; row++)
    if (image.sites.site(row).kind === kind) return image.sites.site(row).bodyOffset;
  throw new Error('no site');
}

interface Values {
  readonly typed?: number;
  readonly unset?: number;
  readonly any?: number;
  readonly below?: number;
  readonly top?: number;
}

function lower(kind: 'call' | 'loop', { typed = NONE, unset = NONE, any = NONE, below = A, top = NONE }: Values) {
  const isCall = kind === 'call';
  const entry = {
    instance: 0,
    func: 0,
    kind: 'entry',
    offset: 0,
    locals: new Uint8Array(0),
    operands: new Uint8Array(0),
  } as const;
  const frame: FrameSite = {
    instance: 0,
    func: START,
    kind,
    offset: offsetOf(isCall ? SITE_CALL : SITE_LOOP),
    locals: Uint8Array.of(FuncRef, FuncRef, FuncRef),
    operands: Uint8Array.of(FuncRef, FuncRef),
  };
  const words = [typed, unset, any, below, top].flatMap((func) => (func === NONE ? [0, 0] : [func, 1]));
  const sites = isCall ? [entry, frame] : [frame];
  const snapshot = {
    frames: new Frames(sites, Uint32Array.from(sites.keys()), Uint32Array.from(words)),
    phase: { instance: 0, kind: 'entry' },
  } as Snapshot;
  return lowerStack(snapshot, image, [module], new References(image.identity), x64);
}

test.each(['call', 'loop'] as const)('at a %s', (kind) => {
  expect(() => lower(kind, {})).not.toThrow();
  expect(() => lower(kind, { typed: B, unset: A, any: C, top: B })).not.toThrow();
  for (const name of ['typed', 'unset', 'below', 'top'] as const) {
    expect(() => lower(kind, { [name]: C }), name).toThrow(/refers to a function of another type/);
  }
  expect(() => lower(kind, { below: B })).not.toThrow();
  expect(() => lower(kind, { below: NONE })).toThrow(/is null, which it cannot be/);
});
