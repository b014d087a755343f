/** Finding clock_gettime in the kernel's own code: the vDSO of this machine, small ones made here, and damaged ones. */

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from './fake-image.js';

const VDSO = 0x7ffff000000;
const AT_SYSINFO_EHDR = 33;
const AT_PAGESZ = 6;
const REALTIME = 0;
const MONOTONIC = 1;
const PROCESS = 2;
const OUT = 64;

/**
 * Starts a process with a vDSO and asks it for a clock: address of the C function called, undefined for none; and the
 * time.
 */
function ask(bytes: Uint8Array, clock = MONOTONIC): { called: number | undefined; time: number } {
  const image = bootedImage({ pages: 1, entry: true });
  const { process } = image;
  process.setBytes(VDSO, bytes);
  let called: number | undefined;
  process.callC = (address, asked, to) => {
    called = address;
    expect(asked).toBe(clock);
    process.set64(to, 7);
    process.set64(to + 8, 5);
  };
  process.overrides['clock_gettime'] = ([asked, to]) => {
    expect(asked).toBe(clock);
    process.set64(to, 3);
    process.set64(to + 8, 2);
    return 0;
  };
  expect(startProcess(process, [], [AT_PAGESZ, 4096, AT_SYSINFO_EHDR, VDSO])).toBe(0);
  process.set64(process.runtime + L.TH_GUEST_INSTANCE, process.get64(image.entryRecord + L.FN_INSTANCE));
  called = undefined;
  expect(process.call('clock_time_get', clock, 0n, OUT)).toBe(0);
  return { called, time: process.get64(process.get64(image.memory + L.MEM_BASE) + OUT) };
}

const SYSTEM_CALL = { called: undefined, time: 3_000_000_002 };
const found = (offset: number) => ({ called: VDSO + offset, time: 7_000_000_005 });

interface Symbol {
  readonly name: string;
  readonly value: number;
  readonly info?: number;
  readonly section?: number;
}
const CLOCK: Symbol = { name: '__vdso_clock_gettime', value: 0x100 };

/** An ELF file of 4 KiB that is linked at `address`: header, PT_LOAD, PT_DYNAMIC, its table, symbols, their names. */
function elf(symbols: readonly Symbol[], { address = 0, size = 4096, change = (_: DataView) => {} } = {}): Uint8Array {
  const bytes = Buffer.alloc(4096);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const words = (at: number, ...values: number[]) =>
    bytes.set(Buffer.from(BigUint64Array.from(values, BigInt).buffer), at);
  view.setUint32(0, 0x464c457f, true);
  words(32, 64);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  words(64, 1, 0, address, 0, size, size);
  words(120, 2, 0x200, address + 0x200, 0, 64, 64);
  const names = 0x300 + 24 * (symbols.length + 1);
  let next = 1;
  symbols.forEach(({ name, value, info = 0x12, section = 1 }, i) => {
    const at = 0x300 + 24 * (i + 1);
    view.setUint32(at, next, true);
    view.setUint8(at + 4, info);
    view.setUint16(at + 6, section, true);
    words(at + 8, address + value);
    bytes.write(name, names + next);
    next += name.length + 1;
  });
  words(0x200, 6, address + 0x300, 5, address + names, 10, next);
  change(view);
  return bytes;
}

describe('clock_gettime', () => {
  it("is where this machine's vDSO has it", ({ skip }) => {
    const line = /^(\w+)-(\w+) .*\[vdso\]$/m.exec(readFileSync('/proc/self/maps', 'latin1'));
    if (line === null) return skip('this kernel gives no vDSO');
    const [start, end] = line.slice(1).map((text) => Number(`0x${text}`));
    const bytes = Buffer.alloc(end - start);
    const memory = openSync('/proc/self/mem', 'r');
    readSync(memory, bytes, 0, bytes.length, start);
    closeSync(memory);
    // by its section headers, which the host layer does not look at
    const section = (index: number) => Number(bytes.readBigUInt64LE(0x28)) + index * bytes.readUInt16LE(0x3a);
    const field = (index: number, at: number) => Number(bytes.readBigUInt64LE(section(index) + at));
    let expected = 0;
    for (let i = 0; i < bytes.readUInt16LE(0x3c); i++) {
      if (bytes.readUInt32LE(section(i) + 4) !== 11) continue; // SHT_DYNSYM
      const strings = field(bytes.readUInt32LE(section(i) + 40), 24);
      for (let at = field(i, 24); at < field(i, 24) + field(i, 32); at += 24) {
        const name = strings + bytes.readUInt32LE(at);
        const text = bytes.toString('latin1', name, bytes.indexOf(0, name));
        if (/^__(vdso|kernel)_clock_gettime$/.test(text)) expected = Number(bytes.readBigUInt64LE(at + 8));
      }
    }
    expect(expected).toBeGreaterThan(0);
    expect(ask(bytes)).toEqual(found(expected));
  });

  it.each([
    ["by x86-64's name", [CLOCK]],
    ["by ARM64's name", [{ name: '__kernel_clock_gettime', value: 0x100 }]],
    [
      'after others',
      [{ name: 'clock_gettime', value: 0x180 }, { name: '__vdso_clock_gettime64', value: 0x140 }, CLOCK],
    ],
    ['after what is no function of its own', [{ ...CLOCK, section: 0 }, { ...CLOCK, info: 0x11 }, CLOCK]],
  ])('is found %s', (_, symbols) => {
    expect(ask(elf(symbols))).toEqual(found(0x100));
    expect(ask(elf(symbols, { address: 0xffffffffff700000 % 2 ** 48 }))).toEqual(found(0x100));
    expect(ask(elf(symbols), REALTIME)).toEqual(found(0x100));
  });

  it('is the system call for a clock of CPU time', () => {
    expect(ask(elf([CLOCK]), PROCESS)).toEqual(SYSTEM_CALL);
  });

  it.each<[string, Uint8Array]>([
    ['there is nothing', new Uint8Array(4096)],
    ['it is named otherwise', elf([{ name: '__vdso_clock_gettim', value: 0x100 }])],
    ['it lies outside', elf([{ ...CLOCK, value: 4096 }])],
    ['the table lies outside', elf([CLOCK], { size: 0x210 })],
    ['the names lie outside', elf([CLOCK], { size: 0x340 })],
    ['there is no table', elf([CLOCK], { change: (view) => view.setUint32(120, 4, true) })],
    ['nothing is loaded', elf([CLOCK], { change: (view) => view.setUint32(64, 4, true) })],
    ['the names end within it', elf([CLOCK], { change: (view) => view.setUint32(0x228, 20, true) })],
    ['the names lie in front', elf([CLOCK], { change: (view) => view.setUint32(0x218, 0x280, true) })],
    ['a name lies outside', elf([CLOCK], { change: (view) => view.setUint32(0x318, 0xfffffff0, true) })],
  ])('is the system call when %s', (_, bytes) => {
    expect(ask(bytes)).toEqual(SYSTEM_CALL);
  });
});
