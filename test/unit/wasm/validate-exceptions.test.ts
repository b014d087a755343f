import { describe, expect, test } from 'vitest';
import { assemble } from '../../../src/wasm/assemble.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ExternKind } from '../../../src/wasm/module.js';
import { FunctionValidator, validateBodies } from '../../../src/wasm/validate.js';
import { v8Accepts } from './v8.js';

const moduleOf = async (fields: string) => assemble(Buffer.from(`(module ${fields})`), 'test.wat');

async function refusalOf(fields: string): Promise<string> {
  try {
    validateBodies(decodeModule(await moduleOf(fields)));
    return 'accepted';
  } catch (error) {
    return (error as Error).message.replace(/^.*?: .*?: /, '');
  }
}

async function maxHeightOf(fields: string): Promise<number> {
  const module = decodeModule(await moduleOf(fields));
  return new FunctionValidator(module).validate(0).maxHeight;
}

/** Bodies of a function () -> () in a module with tags $e () and $p (i32 i64). V8 knows the legacy ones. */
const LEGACY: readonly (readonly [body: string, expected: string])[] = [
  ['(try (do) (catch $e) (catch_all))', 'accepted'],
  ['(try (do (throw $e)) (catch $p drop drop))', 'accepted'],
  ['(try (do) (catch $p drop))', 'type mismatch: values remaining on stack at end of block: i32'],
  ['(try (do (i32.const 1)) (catch_all))', 'type mismatch: values remaining on stack at end of block: i32'],
  ['(try (do (throw $p)))', 'type mismatch: expected i64, found nothing'],
  ['(try (do (rethrow 0)) (catch_all))', 'invalid rethrow label'],
  ['(try (do) (catch $e (block (rethrow 1))))', 'accepted'],
  ['(try (do) (catch $e (block (rethrow 0))))', 'invalid rethrow label'],
  ['(try (do) (delegate 0))', 'accepted'],
  ['(try (do) (catch_all (br 0)))', 'accepted'],
  ['(try (do) (catch_all drop))', 'type mismatch: found nothing'],
  ['(try (result i32) (do unreachable) (catch_all (i32.const 1))) drop', 'accepted'],
  ['(i32.const 1) (try (param i32) (do drop) (catch_all)) ', 'accepted'],
  ['(i32.const 1) (try (param i32) (do drop) (catch_all drop)) ', 'type mismatch: found nothing'],
];

const TABLES: readonly (readonly [body: string, expected: string])[] = [
  ['(block $l (try_table (catch $e $l) (catch_all $l)))', 'accepted'],
  ['(block $l (result i32 i64) (try_table (catch $p $l)) unreachable) drop drop', 'accepted'],
  ['(block $l (result i32 i64 exnref) (try_table (catch_ref $p $l)) unreachable) drop drop drop', 'accepted'],
  ['(block $l (result exnref) (try_table (catch_all_ref $l)) unreachable) throw_ref', 'accepted'],
  ['(block $l (result i32) (try_table (catch $p $l)) unreachable) drop', MISMATCH()],
  ['(block $l (result externref) (try_table (catch_all_ref $l)) unreachable) drop', MISMATCH()],
  ['(block $l (try_table (catch_ref $e $l)))', MISMATCH()],
  ['(ref.null extern) throw_ref', 'type mismatch: expected exnref, found externref'],
  ['(loop $l (result i32) (try_table (catch $e $l)) (i32.const 1)) drop', 'accepted'],
];

function MISMATCH(): string {
  return 'type mismatch: a catch clause gives other types than its label takes';
}

describe('validation of exceptions', () => {
  const fields = (body: string) => `(tag $e) (tag $p (param i32 i64)) (func ${body})`;

  test.each(LEGACY)('%s: %s', async (body, expected) => {
    expect(await refusalOf(fields(body))).toBe(expected);
    expect(v8Accepts(await moduleOf(fields(body)))).toBe(expected === 'accepted');
  });

  test.each(TABLES)('%s: %s', async (body, expected) => {
    expect(await refusalOf(fields(body))).toBe(expected);
  });

  test('tags: imported first, exported, without results', async () => {
    const bytes = await moduleOf('(import "a" "b" (tag (param f32))) (tag) (export "t" (tag 1))');
    const { tags, importedTagCount, imports, exports, types } = decodeModule(bytes);
    expect([importedTagCount, tags.length]).toEqual([1, 2]);
    expect(Array.from(tags, (type) => [...types[type]!.params])).toEqual([[0x7d], []]);
    expect(imports).toEqual([{ module: 'a', name: 'b', kind: ExternKind.Tag, typeIndex: tags[0] }]);
    expect(exports).toEqual([{ name: 't', kind: ExternKind.Tag, index: 1 }]);
    expect(await refusalOf('(tag (result i32))')).toBe('non-empty tag result type');
    expect(await refusalOf('(func (throw 0))')).toBe('unknown tag 0');
  });

  test('the greatest height counts landing pads and the exceptions of catch bodies', async () => {
    expect(await maxHeightOf('(func (try (do) (catch_all (i32.const 1) drop)))')).toBe(2);
    expect(await maxHeightOf('(func (try (do) (catch_all (try (do) (catch_all)))))')).toBe(2);
    const big = '(tag $e (param i32 i32 i32))';
    const table = '(block $l (result i32 i32 i32 exnref) (try_table (catch_ref $e $l)) unreachable)';
    expect(await maxHeightOf(`(func ${table} drop drop drop drop) ${big}`)).toBe(4);
    expect(
      await maxHeightOf(`(func (result i32 i32 i32) (i64.const 1) (try_table (catch $e 0)) unreachable) ${big}`),
    ).toBe(4);
  });
});
