/** ELF files that differ from ours: each field that the reader checks, off by one from its value. */

import { beforeAll, describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { readElf } from '../../../src/image/elf.js';
import { FileSource } from '../../../src/image/file-source.js';
import { miniHost, moduleOf } from '../compile/link/mini-host.js';

// Offsets in the header, in a program header and in a section's header (System V gABI).
const [EI_CLASS, EI_DATA, E_TYPE, E_PHOFF, E_SHOFF, E_PHENTSIZE, E_SHENTSIZE, E_SHNUM, E_SHSTRNDX] = [
  4, 5, 16, 32, 40, 54, 58, 60, 62,
];
const SECTION_HEADER = 64;
const [SH_NAME, SH_OFFSET, SH_SIZE] = [0, 24, 32];

let image: Buffer;
beforeAll(async () => {
  const module = await moduleOf('(module (func (export "_start")))');
  image = Buffer.from(compileImage([{ module, file: 'main' }], { target: x64, hostLayer: await miniHost() }).bytes);
});

const read = (change: (bytes: Buffer) => void) => {
  const bytes = Buffer.from(image);
  change(bytes);
  return () => readElf(new FileSource(bytes));
};
/** File offset of the header of section `index`; -1 is that of the names. */
const section = (bytes: Buffer, index: number) => {
  const count = bytes.readUInt16LE(E_SHNUM);
  return Number(bytes.readBigUInt64LE(E_SHOFF)) + SECTION_HEADER * (index < 0 ? count + index : index);
};

test('what we write is read', () => {
  const { sections, segments } = read(() => {})();
  expect(sections.at(-1)!.name).toBe('.shstrtab');
  expect(sections.length).toBe(image.readUInt16LE(E_SHNUM) - 1);
  expect(segments.length).toBeGreaterThan(2);
});

describe('is no image', () => {
  test.each<[string, (bytes: Buffer) => void, RegExp]>([
    ['of 32 bits', (b) => b.writeUInt8(1, EI_CLASS), /not a 64-bit ELF file/],
    ['big-endian', (b) => b.writeUInt8(2, EI_DATA), /not a 64-bit ELF file/],
    ['at a fixed address', (b) => b.writeUInt16LE(2, E_TYPE), /not position-independent/],
    ['a core dump', (b) => b.writeUInt16LE(4, E_TYPE), /not position-independent/],
    ['program headers of another size', (b) => b.writeUInt16LE(57, E_PHENTSIZE), /odd header sizes/],
    ['section headers of another size', (b) => b.writeUInt16LE(63, E_SHENTSIZE), /odd header sizes/],
    ['no sections', (b) => b.writeUInt16LE(0, E_SHNUM), /it has no sections/],
    ['the null section only', (b) => b.writeUInt16LE(1, E_SHNUM), /it has no sections/],
    [
      'section names that are too long',
      (b) => b.writeUInt32LE((1 << 24) + 1, section(b, -1) + SH_SIZE),
      /section names are too long/,
    ],
  ])('%s', (_, change, message) => {
    expect(read(change)).toThrow(InputError);
    expect(read(change)).toThrow(message);
    expect(read(change)).toThrow(/^not a wag-snap image/);
  });
});

describe('is damaged', () => {
  test.each<[string, (bytes: Buffer) => void, RegExp]>([
    ['names in a section that is not there', (b) => b.writeUInt16LE(b.readUInt16LE(E_SHNUM), E_SHSTRNDX), /no section/],
    [
      'a name that begins after all names',
      (b) => b.writeUInt32LE(b.readUInt32LE(section(b, -1) + SH_SIZE) + 1, section(b, 1) + SH_NAME),
      /a section name is cut off/,
    ],
    [
      'a name without end',
      (b) => b.writeUInt32LE(b.readUInt32LE(section(b, -1) + SH_SIZE) - 1, section(b, -1) + SH_SIZE),
      /a section name is cut off/,
    ],
    ['a number of 2^53', (b) => b.writeUInt32LE(0x200000, section(b, 1) + SH_OFFSET + 4), /a number is too large/],
    ['an offset of 2^53', (b) => b.writeUInt32LE(0x200000, E_PHOFF + 4), /a number is too large/],
    [
      'a section that ends a byte after the file',
      (b) => b.writeUInt32LE(b.length - b.readUInt32LE(section(b, 1) + SH_OFFSET) + 1, section(b, 1) + SH_SIZE),
      /lies beyond the file's end/,
    ],
  ])('%s', (_, change, message) => {
    expect(read(change)).toThrow(InputError);
    expect(read(change)).toThrow(message);
    expect(read(change)).toThrow(/^damaged image/);
  });

  test('a section may end where the file ends', () => {
    const { sections } = read((b) =>
      b.writeUInt32LE(b.length - b.readUInt32LE(section(b, 1) + SH_OFFSET), section(b, 1) + SH_SIZE),
    )();
    expect(sections[0].fileOffset + sections[0].size).toBe(image.length);
  });
});
