/** What a file is, by its first bytes: also of files that end early, or lie about the rest. */

import { expect, test } from 'vitest';
import { fileType, HEAD_SIZE } from '../../../src/api/file-kind.js';

const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const kind = (...parts: (string | number[])[]) => fileType(bytes(...parts)).kind;
const what = (...parts: (string | number[])[]) => fileType(bytes(...parts)).what;

/** The start of an ELF header. */
function elf({ bits = 2, endian = 1, type = 3, machine = 62, size = 20 } = {}): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 'latin1');
  head[4] = bits;
  head[5] = endian;
  if (endian === 1) {
    head.writeUInt16LE(type, 16);
    head.writeUInt16LE(machine, 18);
  } else {
    head.writeUInt16BE(type, 16);
    head.writeUInt16BE(machine, 18);
  }
  return head.subarray(0, size);
}

test('a module, a component, a coredump', () => {
  expect(kind('\0asm', [1, 0, 0, 0])).toBe('module');
  expect(kind('\0asm', [7, 0, 0, 0])).toBe('module'); // the decoder's to refuse
  expect(what('\0asm', [13, 0, 1, 0])).toBe('a component');
  const core = [0, 12, 4, ...Buffer.from('core')];
  expect(kind('\0asm', [1, 0, 0, 0], core)).toBe('coredump');
  // a length of two bytes; a longer one, of a name that only begins alike; another section
  expect(kind('\0asm', [1, 0, 0, 0], [0, 0x8c, 1, 4, ...Buffer.from('core')])).toBe('coredump');
  expect(kind('\0asm', [1, 0, 0, 0], [0, 12, 9, ...Buffer.from('corestack')])).toBe('module');
  expect(kind('\0asm', [1, 0, 0, 0], [1, 12, 4, ...Buffer.from('core')])).toBe('module');
});

test.each([4, 5, 6, 7, 8, 9, 10])('a module that ends after %i bytes', (length) => {
  expect(fileType(bytes('\0asm', [1, 0, 0, 0, 0, 0x80]).subarray(0, length)).kind).toBe('module');
});

test('an image is one of a 64-bit little-endian CPU that there is, and of the type that ours are', () => {
  expect(fileType(elf())).toEqual({ kind: 'image', what: 'an ELF executable or library for x64' });
  expect(fileType(elf({ machine: 183 })).kind).toBe('image');
  for (const other of [
    { bits: 1 },
    { endian: 2 },
    { type: 1 },
    { type: 2 },
    { type: 4 },
    { machine: 243 },
    { machine: 62 << 8 },
  ])
    expect([other, fileType(elf(other)).kind]).toEqual([other, 'other']);
  expect(fileType(elf({ endian: 2, machine: 22, type: 2 })).what).toBe('an ELF executable for S390');
  expect(fileType(elf({ type: 4 })).what).toBe('a core file of a native process for x64');
});

test.each([4, 6, 16, 17, 18, 19])('an ELF file that ends after %i bytes is none', (size) => {
  expect(fileType(elf({ size })).kind).toBe('other');
});

test('a snapshot has all eight bytes of its magic number', () => {
  expect(kind('\x7fWSNAP\r\n', [0, 0])).toBe('snapshot');
  expect(kind('\x7fWSNAP\n\n', [0, 0])).toBe('other'); // copied as text
  expect(kind('\x7fWSNAP')).toBe('other');
});

test('nothing, spaces and texts', () => {
  expect(what()).toBe('empty');
  expect(what(' \n\t')).toBe('a text file of nothing but spaces');
  expect(kind('(module)')).toBe('module');
  expect(kind('\n ;; a module')).toBe('module');
  expect(what('(component)')).toBe('a component in the text format');
  expect(kind('(component)')).toBe('component');
  expect(what('hello')).toBe('a text file');
  expect(what('{"a": 1}')).toBe('a JSON file');
  expect(what('hello', [1])).toBe('a binary file of an unknown kind');
});

test('a text whose last character is cut off is one', () => {
  const text = Buffer.from(`${'x'.repeat(HEAD_SIZE - 1)}ä`).subarray(0, HEAD_SIZE);
  expect(fileType(text).what).toBe('a text file');
  expect(what('hell', [0xc3], 'o')).toBe('a binary file of an unknown kind');
});
