import { describe, expect, it } from 'vitest';
import * as L from '../../../../src/runtime/layout.js';
import { bootedImage } from './fake-image.js';
import type { FakeProcess } from './fake-process.js';

const SIZE = 65536;
const ramp = (count: number, from = 1) => Array.from({ length: count }, (_, i) => (from + i) & 255);

/** The trap that a call ends in, 0 for none. */
function trapOf(process: FakeProcess, name: string, ...values: (number | bigint)[]): number {
  process.set32(process.runtime + L.RT_FLAGS, L.FLAG_DRIVER);
  process.set32(process.runtime + L.RT_TRAP_KIND, 0);
  try {
    process.call(name, ...values);
  } catch {}
  return process.rt32(L.RT_TRAP_KIND);
}

describe('memory builtins', () => {
  const { process, memory } = bootedImage({ pages: 1, maxPages: 4 });
  const record = BigInt(memory);
  const base = process.get64(memory + L.MEM_BASE);

  it('grow', () => {
    const grown = bootedImage({ pages: 1, maxPages: 4 });
    const own = BigInt(grown.memory);
    expect(grown.process.call('memory_grow', own, 0)).toBe(1);
    expect(grown.process.call('memory_grow', own, 2)).toBe(1);
    expect(grown.process.get64(grown.memory + L.MEM_SIZE)).toBe(3 * SIZE);
    expect(grown.process.call('memory_grow', own, 2)).toBe(-1);
    expect(grown.process.call('memory_grow', own, -1)).toBe(-1);
    grown.process.overrides['mprotect'] = () => -12;
    expect(grown.process.call('memory_grow', own, 1)).toBe(-1);
    expect(grown.process.get64(grown.memory + L.MEM_SIZE)).toBe(3 * SIZE);
  });

  it('fill checks its bounds first', () => {
    process.call('memory_fill', record, 16, 0x1ff, 4);
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
        process.call('memory_copy', record, record, 300 + distance, 300, length);
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
    image.process.call('memory_init', own, segment, 100, 1, 3);
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
    expect(process.call('table_grow', record, 7n, 2)).toBe(3);
    expect(elements()).toEqual([0, 0, 0, 7, 7]);
    expect(process.call('table_grow', record, 7n, 996)).toBe(-1);
    process.call('table_fill', record, 1, 5n, 2);
    expect(elements()).toEqual([0, 5, 5, 7, 7]);
    process.call('table_copy', record, record, 0, 2, 2);
    process.call('table_copy', record, record, 2, 1, 3);
    expect(elements()).toEqual([5, 7, 7, 5, 7]);
    process.set64(dataSegments[0] + L.SEG_LENGTH, 1); // one reference
    process.call('table_init', record, BigInt(dataSegments[0]), 4, 0, 1);
    expect(elements()).toEqual([5, 7, 7, 5, 9]);
    expect(trapOf(process, 'table_fill', record, 4, 1n, 2)).toBe(L.TRAP_TABLE);
    expect(trapOf(process, 'table_copy', record, record, 4, 0, 2)).toBe(L.TRAP_TABLE);
    expect(trapOf(process, 'table_init', record, BigInt(dataSegments[0]), 0, 1, 1)).toBe(L.TRAP_TABLE);
  });
});
