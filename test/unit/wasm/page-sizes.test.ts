/** Custom page sizes: which there are, how large memories may be, that linking compares them, and what a restore checks. */

import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { LimitError, ModuleError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { DataPatch } from '../../../src/image/data-patch.js';
import { readImage } from '../../../src/image/reader.js';
import { putInstances } from '../../../src/restore/instance-data.js';
import { References } from '../../../src/restore/placed-references.js';
import type { Snapshot } from '../../../src/snapshot/snapshot.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { formatMemoryType } from '../../../src/wasm/text.js';
import { WasmWriter } from '../../fuzz/wasm-writer.js';
import { assembleByBinaryen } from '../../support/binaryen.js';

const [MAX, INDEX64, PAGE_SIZE] = [1, 4, 8];

/** The type of a module's only memory. @param log of the page size; limits as numbers of any size */
function memory(flags: number, limits: readonly bigint[], log?: number) {
  const out = new WasmWriter();
  out.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5);
  out.sized((to) => {
    to.byte(1, flags);
    for (const limit of limits) leb(to, limit);
    if (log !== undefined) to.u32(log);
  });
  return decodeModule(out.bytes.slice()).memories[0];
}

function leb(to: WasmWriter, value: bigint): void {
  for (; value > 0x7fn; value >>= 7n) to.byte(Number(value & 0x7fn) | 0x80);
  to.byte(Number(value));
}

describe('page sizes', () => {
  test('1 and 65536 are what there is', () => {
    expect(memory(PAGE_SIZE, [3n], 0)).toMatchObject({ min: 3, max: undefined, pageSize: 1 });
    expect(memory(PAGE_SIZE | MAX, [3n, 9n], 16)).toMatchObject({ min: 3, max: 9, pageSize: 65536 });
    expect(memory(0, [3n])).toMatchObject({ pageSize: 65536 });
    for (const log of [1, 2, 12, 15, 17, 31, 32, 63, 64]) {
      expect(() => memory(PAGE_SIZE, [0n], log)).toThrow(/offset 0x.*: invalid custom page size/);
      expect(() => memory(PAGE_SIZE, [0n], log)).toThrow(expect.objectContaining({ code: 'invalid' }));
    }
    expect(() => memory(PAGE_SIZE, [0n], 65)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  test('tables have none', () => {
    const table = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 4, 5, 1, 0x70, PAGE_SIZE, 0, 0];
    expect(() => decodeModule(Uint8Array.from(table))).toThrow(/malformed limits flags 0x8/);
  });

  test('how large a memory may be', () => {
    expect(memory(PAGE_SIZE | MAX, [0n, 0xffffffffn], 0)).toMatchObject({ max: 0xffffffff });
    expect(() => memory(PAGE_SIZE | MAX, [0n, 1n << 32n], 0)).toThrow(ModuleError);
    expect(() => memory(PAGE_SIZE, [1n << 32n], 0)).toThrow('memory size must be at most 4294967295 pages');
    expect(() => memory(PAGE_SIZE, [65537n], 16)).toThrow('memory size must be at most 65536 pages (4GiB)');
    expect(memory(PAGE_SIZE | INDEX64, [1n << 36n], 0)).toMatchObject({ min: 2 ** 36 });
    expect(() => memory(PAGE_SIZE | INDEX64, [(1n << 36n) + 1n], 0)).toThrow(LimitError);
    expect(memory(PAGE_SIZE | INDEX64 | MAX, [0n, (1n << 64n) - 1n], 0)).toMatchObject({ min: 0 });
  });

  test('as text', () => {
    expect(formatMemoryType(memory(PAGE_SIZE | MAX, [3n, 9n], 0))).toBe('3..9 (pagesize 1)');
    expect(formatMemoryType(memory(PAGE_SIZE, [3n], 16))).toBe('3');
  });
});

const decoded = (text: string) => decodeModule(assembleByBinaryen(text));

test.each([
  ['(memory 0 (pagesize 1))', '(memory 0 (pagesize 1))', true],
  ['(memory 0 (pagesize 65536))', '(memory 0)', true],
  ['(memory 0 (pagesize 1))', '(memory 0)', false],
  ['(memory 0)', '(memory 0 (pagesize 1))', false],
])('an export %s for an import %s: %s', (own, wanted, fits) => {
  const provider = decoded(`(module ${own} (export "m" (memory 0)))`);
  const module = decoded(`(module (import "p" "m" ${wanted}) (func (export "_start")))`);
  const modules = [
    { name: 'p', module: provider, file: 'p' },
    { module, file: 'main' },
  ];
  const link = () => compileImage(modules, { target: x64 });
  if (fits) expect(link).not.toThrow();
  else expect(link).toThrow(/incompatible import type: p.m \(memory 0/);
});

test('a restore takes a memory of bytes of every size that it may have, and no pages', () => {
  const module = decoded('(module (memory 10 70000 (pagesize 1)) (func (export "_start")))');
  const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
  const put = (memory: object) => {
    const empty = new Uint8Array(0);
    const instance = {
      module: 0,
      globals: [],
      tables: [],
      memories: [memory],
      droppedData: empty,
      droppedElements: empty,
    };
    const phase = { kind: 'entry', instance: 0 };
    const snapshot = { instances: [instance], phase } as unknown as Snapshot;
    return putInstances(snapshot, [module], new References(image.identity), new DataPatch(image)).memories[0].size;
  };
  for (const bytes of [10, 11, 65536, 70000])
    expect(put({ pages: Math.ceil(bytes / 65536), bytes, extents: [] })).toBe(bytes);
  expect(() => put({ pages: 1, bytes: 9, extents: [] })).toThrow(/memory 0 has 9 pages, of 10 to 70000/);
  expect(() => put({ pages: 2, bytes: 70001, extents: [] })).toThrow(/memory 0 has 70001 pages, of 10 to 70000/);
  expect(() => put({ pages: 1, extents: [] })).toThrow(/memory 0 has pages of 65536 bytes, not 1/);
});
