import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage } from './fake-image.js';
import type { FakeProcess } from './fake-process.js';

const SIZE = 65536;
/** -1 of an i32: the upper half of a register is zero. */
const REFUSED = 0xffffffffn;
const ramp = (count: number, from = 1) => Array.from({ length: count }, (_, i) => (from + i) & 255);

/** A call of a builtin: all of its operands are i64 but the byte of memory.fill. */
function call(process: FakeProcess, name: string, ...values: (number | bigint)[]): unknown {
  const operands = values.map((value, i) => (name === 'memory_fill' && i === 2 ? value : BigInt(value)));
  return process.call(name, ...operands);
}

/** The trap that a call ends in, 0 for none. */
function trapOf(process: FakeProcess, name: string, ...values: (number | bigint)[]): number {
  process.set32(process.runtime + L.RT_FLAGS, L.FLAG_DRIVER);
  process.set32(process.runtime + L.TH_TRAP_KIND, 0);
  try {
    call(process, name, ...values);
  } catch {}
  return process.rt32(L.TH_TRAP_KIND);
}

describe('memory builtins', () => {
  const { process, memory } = bootedImage({ pages: 1, maxPages: 4 });
  const record = BigInt(memory);
  const base = process.get64(memory + L.MEM_BASE);

  it('grow', () => {
    const grown = bootedImage({ pages: 1, maxPages: 4 });
    const own = BigInt(grown.memory);
    expect(call(grown.process, 'memory_grow', own, 0)).toBe(1n);
    expect(call(grown.process, 'memory_grow', own, 2)).toBe(1n);
    expect(grown.process.get64(grown.memory + L.MEM_SIZE)).toBe(3 * SIZE);
    expect(call(grown.process, 'memory_grow', own, 2)).toBe(REFUSED);
    expect(call(grown.process, 'memory_grow', own, -1)).toBe(REFUSED);
    grown.process.overrides['mprotect'] = () => -12;
    expect(call(grown.process, 'memory_grow', own, 1)).toBe(REFUSED);
    expect(grown.process.get64(grown.memory + L.MEM_SIZE)).toBe(3 * SIZE);
  });

  it('grow with i64 indexes refuses with -1 of its own type', () => {
    const wide = bootedImage({ pages: 1, maxPages: 4 });
    const own = BigInt(wide.memory);
    wide.process.set64(wide.memory + L.MEM_FLAGS, L.FLAG_INDEX64);
    expect(call(wide.process, 'memory_grow', own, 4)).toBe(-1n);
    for (const delta of [2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 48n]) {
      expect(call(wide.process, 'memory_grow', own, delta)).toBe(-1n);
    }
    expect(call(wide.process, 'memory_grow', own, 3)).toBe(1n);
    expect(wide.process.get64(wide.memory + L.MEM_SIZE)).toBe(4 * SIZE);
  });

  it.each([2n ** 32n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 65536n])('bounds with 64-bit operands: %i', (huge) => {
    for (const operands of [
      [huge, 0],
      [huge, 1],
      [0, huge],
      [1, huge],
      [SIZE, huge],
      [huge, huge],
    ]) {
      const [at, length] = operands;
      expect(trapOf(process, 'memory_fill', record, at, 7, length)).toBe(L.TRAP_MEMORY);
      expect(trapOf(process, 'memory_copy', record, record, at, 0, length)).toBe(L.TRAP_MEMORY);
      expect(trapOf(process, 'memory_copy', record, record, 0, at, length)).toBe(L.TRAP_MEMORY);
    }
  });

  it('fill checks its bounds first', () => {
    call(process, 'memory_fill', record, 16, 0x1ff, 4);
    expect(process.bytes(base + 15, 6)).toEqual([0, 255, 255, 255, 255, 0]);
    expect(trapOf(process, 'memory_fill', record, SIZE - 1, 7, 2)).toBe(L.TRAP_MEMORY);
    expect(process.get8(base + SIZE - 1)).toBe(0);
    expect(trapOf(process, 'memory_fill', record, SIZE, 7, 0)).toBe(0);
    expect(trapOf(process, 'memory_fill', record, SIZE + 1, 7, 0)).toBe(L.TRAP_MEMORY);
    expect(trapOf(process, 'memory_fill', record, -1, 7, -1)).toBe(L.TRAP_MEMORY);
  });

  it.each([-100, -9, -8, -1, 0, 1, 3, 7, 8, 9, 63, 64, 65, 100, 500])(
    'copy to %i bytes from the source',
    (distance) => {
      for (const length of [0, 1, 8, 77, 200, 300]) {
        const image = ramp(1200);
        process.setBytes(base, image);
        call(process, 'memory_copy', record, record, 300 + distance, 300, length);
        const expected = [...image];
        expected.splice(300 + distance, length, ...image.slice(300, 300 + length));
        expect(process.bytes(base, 1200)).toEqual(expected);
      }
    },
  );

  it('copy traps when either range is out of bounds', () => {
    expect(trapOf(process, 'memory_copy', record, record, SIZE - 1, 0, 2)).toBe(L.TRAP_MEMORY);
    expect(trapOf(process, 'memory_copy', record, record, 0, SIZE - 1, 2)).toBe(L.TRAP_MEMORY);
    expect(trapOf(process, 'memory_copy', record, record, SIZE, SIZE, 0)).toBe(0);
  });

  it('init reads a segment, and a dropped one is empty', () => {
    const image = bootedImage({ datas: [[0, [1, 2, 3, 4]]] });
    const segment = BigInt(image.dataSegments[0]);
    const own = BigInt(image.memory);
    const at = image.process.get64(image.memory + L.MEM_BASE);
    call(image.process, 'memory_init', own, segment, 100, 1, 3);
    expect(image.process.bytes(at + 100, 4)).toEqual([2, 3, 4, 0]);
    expect(trapOf(image.process, 'memory_init', own, segment, 100, 2, 3)).toBe(L.TRAP_MEMORY);
    image.process.set64(image.dataSegments[0] + L.SEG_LENGTH, 0);
    expect(trapOf(image.process, 'memory_init', own, segment, 0, 0, 0)).toBe(0);
    expect(trapOf(image.process, 'memory_init', own, segment, 0, 1, 0)).toBe(L.TRAP_MEMORY);
  });
});

describe('table builtins', () => {
  it('grow, fill, copy and init', () => {
    const { process, table, dataSegments } = bootedImage({ elements: 3, datas: [[0, [9, 0, 0, 0, 0, 0, 0, 0]]] });
    const record = BigInt(table);
    const base = process.get64(table + L.TAB_BASE);
    const elements = () =>
      Array.from({ length: process.get64(table + L.TAB_LENGTH) }, (_, i) => process.get64(base + i * 8));
    expect(call(process, 'table_grow', record, 7n, 2)).toBe(3n);
    expect(elements()).toEqual([0, 0, 0, 7, 7]);
    expect(call(process, 'table_grow', record, 7n, 996)).toBe(REFUSED);
    call(process, 'table_fill', record, 1, 5n, 2);
    expect(elements()).toEqual([0, 5, 5, 7, 7]);
    call(process, 'table_copy', record, record, 0, 2, 2);
    call(process, 'table_copy', record, record, 2, 1, 3);
    expect(elements()).toEqual([5, 7, 7, 5, 7]);
    process.set64(dataSegments[0] + L.SEG_LENGTH, 1); // one reference
    call(process, 'table_init', record, BigInt(dataSegments[0]), 4, 0, 1);
    expect(elements()).toEqual([5, 7, 7, 5, 9]);
    expect(trapOf(process, 'table_fill', record, 4, 1n, 2)).toBe(L.TRAP_TABLE);
    expect(trapOf(process, 'table_copy', record, record, 4, 0, 2)).toBe(L.TRAP_TABLE);
    expect(trapOf(process, 'table_init', record, BigInt(dataSegments[0]), 0, 1, 1)).toBe(L.TRAP_TABLE);
  });
});
