import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, fakeImage } from './fake-image.js';
import { Exit, IMAGE } from './fake-process.js';

const RESERVED = 0;

describe('boot', () => {
  it('relocates the words that the base relocations name', () => {
    const { process } = bootedImage();
    expect(process.rt64(L.RT_INIT_PLAN)).toBeGreaterThan(IMAGE);
    expect(process.rt64(L.RT_RESUME_PLAN)).toBe(0);
  });

  it('reserves a memory without access and opens its first pages', () => {
    const { process, memory } = bootedImage({ pages: 3 });
    const base = process.get64(memory + L.MEM_BASE);
    expect(process.mappings).toContainEqual(
      expect.objectContaining({ address: base, size: L.MEMORY_RESERVATION, protection: RESERVED, fd: -1 }),
    );
    expect(process.protections).toContainEqual({ address: base, size: 3 * 65536, protection: 3 });
    expect(process.get64(memory + L.MEM_SIZE)).toBe(3 * 65536);
  });

  it('links the memory base of each instance to its memory record', () => {
    const { process, memory } = bootedImage();
    const block = process.get64(process.rt64(L.RT_INIT_PLAN) + 8 + 11 * 8);
    expect(process.get64(block + L.INST_MEMORY_BASE)).toBe(process.get64(memory + L.MEM_BASE));
  });

  it('reserves the declared maximum of a table', () => {
    const { process, table } = bootedImage({ elements: 5 });
    const base = process.get64(table + L.TAB_BASE);
    expect(process.mappings).toContainEqual(expect.objectContaining({ address: base, size: 8000 }));
    expect(process.protections).toContainEqual({ address: base, size: 40, protection: 3 });
    expect(process.get64(table + L.TAB_LENGTH)).toBe(5);
  });

  const SIGNAL_STACK = 262144; // boot.ts

  it('maps a guard below the stack of the signal handlers', () => {
    const { process } = bootedImage();
    const stack = process.rt64(L.TH_SIGNAL_STACK);
    expect(process.mappings).toContainEqual(
      expect.objectContaining({
        address: stack - L.STACK_GUARD,
        size: L.STACK_GUARD + SIGNAL_STACK,
        protection: RESERVED,
      }),
    );
    const touching = process.protections.filter(
      ({ address, size }) => address < stack + SIGNAL_STACK && address + size > stack - L.STACK_GUARD,
    );
    expect(touching).toEqual([{ address: stack, size: SIGNAL_STACK, protection: 3 }]);
  });

  it('says so when the address space is too small', () => {
    const { process } = fakeImage();
    process.overrides['mmap'] = () => -12;
    expect(() => process.call('boot', 0n)).toThrow(Exit);
    expect(process.text(2)).toBe('wag-snap: not enough memory or address space (ulimit -v)\n');
  });
});
