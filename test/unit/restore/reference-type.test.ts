/** References that a snapshot may not have where they are: of types without values, and in exceptions. */

import { expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { readImage } from '../../../src/image/reader.js';
import { planCall } from '../../../src/restore/call.js';
import { placeExceptions } from '../../../src/restore/placed-exceptions.js';
import { References } from '../../../src/restore/placed-references.js';
import { checkReference } from '../../../src/restore/reference-type.js';
import type { Snapshot } from '../../../src/snapshot/snapshot.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';

const module = await readModule(
  Buffer.from(`(module
    (type $open (sub (func (param i32)))) (type $below (sub $open (func (param i32)))) (type $other (func))
    (tag $null (param i64 (ref null $open))) (tag $set (param (ref $below)))
    (func $a (type $open)) (func $b (type $below)) (func $c (type $other))
    (elem declare func $a $b $c) (export "_start" (func $c))
    (func (export "nullable") (param (ref null $open))) (func (export "set") (param (ref $open))))`),
  'test',
);
const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);

/** Function indexes, -1 for null. */
const words = (func: number) => (func < 0 ? [0, 0] : [func, 1]);

test('null is the only value of nofunc', () => {
  const check = (heap: number, func: number) => () => {
    const [lo, hi] = words(func);
    checkReference([module], module, module.refTypes.named(true, heap), lo, hi, () => 'here');
  };
  const [FUNC, NO_FUNC] = [-0x10, -0x0d];
  expect(check(FUNC, 2)).not.toThrow();
  expect(check(NO_FUNC, -1)).not.toThrow();
  expect(check(NO_FUNC, 2)).toThrow('here: refers to a function of another type');
});

test.each([
  ['a function of the type', 0, 0, undefined],
  ['one of a subtype', 0, 1, undefined],
  ['null', 0, -1, undefined],
  ['a function of another type', 0, 2, 'exceptions[0]: refers to a function of another type'],
  ['one of a supertype', 1, 0, 'exceptions[0]: refers to a function of another type'],
  ['null where it cannot be', 1, -1, 'exceptions[0]: is null, which it cannot be'],
  ['a function that is not there', 0, 77, 'exceptions[0]'],
])('in an exception: %s', (_, tag, func, message) => {
  const types = tag === 0 ? [ValType.I64, ValType.FuncRef] : [ValType.FuncRef];
  const exception = {
    instance: 0,
    tag,
    types: Uint8Array.from(types),
    words: Uint32Array.from([...(tag === 0 ? [5, 6] : []), ...words(func)]),
  };
  const place = () => placeExceptions([exception], [module], new References(image.identity), 0);
  if (message === undefined) expect(place).not.toThrow();
  else expect(place).toThrow(message);
});

test('a call may not pass null to what cannot be null', () => {
  const plan = (func: number) => () => {
    const call = { instance: 0, func, initialize: false, results: new Uint8Array(0), arguments: new Uint32Array(2) };
    return planCall({ call } as unknown as Snapshot, [module], new References(image.identity));
  };
  expect(plan(3)).not.toThrow();
  expect(plan(4)).toThrow('a null reference');
});
