import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { LimitError, ModuleError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { assemble } from '../../../src/wasm/assemble.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ExternKind, ValType } from '../../../src/wasm/module.js';
import { RefCode } from '../../../src/wasm/ref-types.js';

const PREAMBLE = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function section(id: number, ...content: number[]): number[] {
  return [id, content.length, ...content];
}

function decodeBytes(...sections: number[][]) {
  return decodeModule(Uint8Array.from([...PREAMBLE, ...sections.flat()]));
}

const decodeText = async (text: string) => decodeModule(await assemble(Buffer.from(text), 'test.wat'));

const TYPE = section(1, 1, 0x60, 0, 0);
const FUNC = section(3, 1, 0);
const CODE = section(10, 1, 2, 0, 0x0b);

describe('decodes', () => {
  test('an empty module', () => {
    const module = decodeBytes();
    expect(module.types).toEqual([]);
    expect(module.funcTypes.length).toBe(0);
    expect(module.start).toBeUndefined();
    expect(module.names).toBeUndefined();
  });

  test('every kind of import and export, imports first in the index spaces', async () => {
    const module = await decodeText(`(module
      (import "a" "f" (func $f (param i32 i64) (result f32 f64)))
      (import "a" "t" (table 1 2 externref))
      (import "b" "m" (memory 1 4))
      (import "b" "g" (global $g (mut f64)))
      (global $h i64 (i64.const 0x8000000180000002))
      (table 7 funcref)
      (func $own)
      (export "own" (func $own)) (export "f" (func $f)) (export "t" (table 1)) (export "m" (memory 0))
      (export "h" (global $h))
      (start $own))`);
    expect(module.imports).toMatchObject([
      { module: 'a', name: 'f', kind: ExternKind.Func, typeIndex: 0 },
      {
        module: 'a',
        name: 't',
        kind: ExternKind.Table,
        table: { element: ValType.ExternRef, min: 1, max: 2, address: ValType.I32 },
      },
      {
        module: 'b',
        name: 'm',
        kind: ExternKind.Memory,
        memory: { min: 1, max: 4, address: ValType.I32, shared: false },
      },
      { module: 'b', name: 'g', kind: ExternKind.Global, global: { type: ValType.F64, mutable: true } },
    ]);
    expect([module.importedFuncCount, module.importedTableCount]).toEqual([1, 1]);
    expect([module.importedMemoryCount, module.importedGlobalCount]).toEqual([1, 1]);
    expect([...module.funcTypes]).toEqual([0, 1]);
    expect(module.tables[1]).toEqual({ element: ValType.FuncRef, min: 7, max: undefined, address: ValType.I32 });
    expect(module.globals).toEqual([
      { type: ValType.F64, mutable: true },
      { type: ValType.I64, mutable: false, init: { op: 'const', type: ValType.I64, lo: -0x7ffffffe, hi: -0x7fffffff } },
    ]);
    expect(module.exports.map(({ name, kind, index }) => [name, kind, index])).toEqual([
      ['own', ExternKind.Func, 1],
      ['f', ExternKind.Func, 0],
      ['t', ExternKind.Table, 1],
      ['m', ExternKind.Memory, 0],
      ['h', ExternKind.Global, 1],
    ]);
    expect(module.start).toBe(1);
    expect([...module.declaredFuncs]).toEqual([1, 1]);
    expect([...module.bytes.subarray(module.bodyStart[0], module.bodyEnd[0])]).toEqual([0, 0x0b]);
  });

  test('element segments of every kind', async () => {
    const { elements, declaredFuncs } = await decodeText(`(module (table $t 3 funcref) (table $u 3 externref)
      (func) (func) (func) (func)
      (elem (i32.const 1) 0 1) (elem func 2) (elem declare func 1)
      (elem (table $t) (i32.const 0) funcref (ref.null func) (ref.func 0))
      (elem (table $u) (i32.const 2) externref (ref.null extern)))`);
    const offset = (lo: number) => ({ op: 'const', type: ValType.I32, lo, hi: 0 });
    const func = (index: number) => ({ op: 'ref.func', index });
    const none = (type: ValType) => ({ op: 'ref.null', type });
    expect(elements).toEqual([
      { mode: 'active', type: RefCode.Func, table: 0, offset: offset(1), items: [func(0), func(1)] },
      { mode: 'passive', type: RefCode.Func, table: 0, offset: undefined, items: [func(2)] },
      { mode: 'declarative', type: RefCode.Func, table: 0, offset: undefined, items: [func(1)] },
      { mode: 'active', type: ValType.FuncRef, table: 0, offset: offset(0), items: [none(ValType.FuncRef), func(0)] },
      { mode: 'active', type: ValType.ExternRef, table: 1, offset: offset(2), items: [none(ValType.ExternRef)] },
    ]);
    expect([...declaredFuncs]).toEqual([1, 1, 1, 0]);
  });

  test('data segments, as positions', async () => {
    const { bytes, datas, dataCount } = await decodeText(
      '(module (import "" "g" (global i32)) (memory 1) (data (global.get 0) "abc") (data "") (func (data.drop 1)))',
    );
    expect(datas.map(({ mode, memory, offset }) => [mode, memory, offset])).toEqual([
      ['active', 0, { op: 'global.get', index: 0 }],
      ['passive', 0, undefined],
    ]);
    expect(Buffer.from(bytes.subarray(datas[0]!.start, datas[0]!.end)).toString()).toBe('abc');
    expect(datas[1]!.end - datas[1]!.start).toBe(0);
    expect(dataCount).toBe(2);
  });

  test('names, and ignores a name section that is not well formed', async () => {
    const module = await decodeText('(module $m (func $f (param $x i32) (local $y i32)) (func $g))');
    expect(module.names?.module).toBe('m');
    expect([...module.names!.functions]).toEqual([
      [0, 'f'],
      [1, 'g'],
    ]);
    expect([...module.names!.locals.get(0)!]).toEqual([
      [0, 'x'],
      [1, 'y'],
    ]);
    const named = (...content: number[]) => decodeBytes(section(0, 4, 0x6e, 0x61, 0x6d, 0x65, ...content)).names;
    expect(named(0, 2, 1, 0x6d)?.module).toBe('m');
    expect(named(0, 9, 1, 0x6d)).toBeUndefined(); // longer than the section
    expect(named(0, 2, 1, 0xff)).toBeUndefined(); // no UTF-8
    expect(named(1, 5, 2, 0, 1, 0x61, 0)).toBeUndefined(); // an entry is missing
    expect(named(1, 1, 0, 0, 2, 1, 0x6d)).toBeUndefined(); // out of order
    expect(named(9, 1, 0)).toEqual({ module: undefined, functions: new Map(), locals: new Map() }); // unknown
  });
});

describe('refuses as malformed', () => {
  test.each([
    ['two type sections', [TYPE, TYPE], 'unexpected content after last section'],
    ['sections out of order', [FUNC, TYPE], 'unknown type 0'],
    ['a data count after the code', [TYPE, FUNC, CODE, section(12, 0)], 'unexpected content after last section'],
    ['section 14', [section(14, 0)], 'malformed section id 14'],
    ['a section too long', [[1, 5, 0]], 'length out of bounds'],
    ['bytes left in a section', [section(1, 0, 0)], 'section size mismatch'],
    ['a function without code', [TYPE, FUNC], 'function and code section have inconsistent lengths: 1 and 0'],
    ['code without a function', [CODE], 'function and code section have inconsistent lengths: 0 and 1'],
    ['a wrong data count', [section(12, 1)], 'data count and data section have inconsistent lengths: 1 and 0'],
    ['counts beyond the section', [section(1, 0xff, 0xff, 0xff, 0xff, 0x0f)], 'unexpected end of section'],
    ['a custom section without a name', [section(0)], 'unexpected end'],
    ['a custom section name that is no UTF-8', [section(0, 1, 0xff)], 'malformed UTF-8 encoding'],
  ])('%s', (_, sections, detail) => {
    expect(() => decodeBytes(...sections)).toThrow(detail);
  });

  test('every prefix of a module, or accepts it; and says so with an offset inside of it', async () => {
    const whole = await assemble(
      Buffer.from(`(module (import "m" "f" (func (param i64))) (table 1 funcref) (memory 1) (global i32 (i32.const 1))
        (export "f" (func 1)) (func (call 0 (i64.const 1))) (elem (i32.const 0) 0 1) (data (i32.const 0) "data"))`),
      'test.wat',
    );
    for (let length = 0; length < whole.length; length++) {
      try {
        decodeModule(whole.subarray(0, length));
      } catch (error) {
        expect(error).toBeInstanceOf(ModuleError);
        expect(error).toMatchObject({ code: 'malformed' });
        expect((error as ModuleError).offset).toBeLessThanOrEqual(length);
      }
    }
  });
});

test.each([
  ['tableElements', [section(4, 1, 0x70, 0, 0x81, 0xad, 0xe2, 0x04)]],
  ['functionParams', [[1, ...[0xee, 7], 1, 0x60, 0xe9, 7, ...new Array<number>(1001).fill(0x7f), 0]]],
])('says which limit is exceeded: %s', (name, sections) => {
  const decode = () => decodeBytes(...sections);
  expect(decode).toThrow(LimitError);
  expect(decode).toThrow(`(${name})`);
});

describe('custom sections', () => {
  const named = (name: string, ...content: number[]) => section(0, name.length, ...Buffer.from(name), ...content);
  const hint = 'metadata.code.branch_hint';
  // of function 0: at offset 1 likely; then what is none of its contents
  const HINTS = [
    [1, 0, 1, 1, 1, 1],
    [1, 0, 1, 1, 1, 7],
    [9, 200, 200, 200],
    [1, 99, 1, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 1],
    [],
  ];
  const sections = [
    ...HINTS.map((content) => named(hint, ...content)),
    named('producers', 0xff, 0xff),
    named('target_features', 9),
    named('sourceMappingURL', 5, 0x61),
    named('linking', 2, 8, 0xff),
    named('dylink.0'),
    named('metadata.code.call_targets', 0xff),
    named('', 1, 2, 3),
  ];

  test.each(sections)('are read over, whatever is in them: %#', (...bytes) => {
    const custom = bytes.flat();
    const plain = decodeBytes(TYPE, FUNC, CODE);
    for (const order of [
      [custom, TYPE, FUNC, CODE],
      [TYPE, FUNC, custom, CODE],
      [TYPE, custom, custom, FUNC, CODE, custom],
    ]) {
      const { bodyStart: _, bodyEnd: __, bytes: ___, refTypes: ____, ...rest } = decodeBytes(...order);
      const { bodyStart, bodyEnd, bytes: own, refTypes, ...expected } = plain;
      expect(rest).toEqual(expected);
    }
  });

  test('change no code', () => {
    const code = (...parts: number[][]) => {
      const module = decodeBytes(...parts);
      const { text } = compileImage([{ module, file: 'test' }], { target: x64 });
      return Buffer.from(text).toString('hex');
    };
    const start = section(7, 1, 6, ...Buffer.from('_start'), 0, 0);
    expect(code(TYPE, FUNC, start, named(hint, ...HINTS[0]!), CODE)).toBe(code(TYPE, FUNC, start, CODE));
  });
});
