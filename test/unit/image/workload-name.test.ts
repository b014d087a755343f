/** Which names workloads may have, and where they are found. */

import { expect, test } from 'vitest';
import { nameInEnvironment } from '../../../src/capture/workload-name.js';
import { NAME_MAX, RT_NAME, RT_NAME_LENGTH } from '../../../src/image/contract/runtime-block.js';
import type { ImageDescription } from '../../../src/image/reader.js';
import { NAME_RULE, nameInImage, nameProblem } from '../../../src/image/workload-name.js';

test.each([
  ['a', undefined],
  ['Z9', undefined],
  ['web-1.eu_west', undefined],
  ['x'.repeat(63), undefined],
  ['x'.repeat(64), 'it has 64 characters'],
  ['', 'it is empty'],
  ['4711', 'it does not begin with a letter'],
  ['1e5', 'it does not begin with a letter'],
  ['-o', 'it does not begin with a letter'],
  ['.hidden', 'it does not begin with a letter'],
  ['a/b', 'it has the character "/"'],
  ['a b', 'it has the character " "'],
  ['a\n', 'it has the character "\\n"'],
  ['aé', 'it has the character "é"'],
  ['a😀', 'it has the character "😀"'],
])('%j', (name, problem) => {
  expect(nameProblem(name)).toBe(problem);
  expect(NAME_RULE).toContain('63 characters');
});

test.each([
  ['', undefined],
  ['WAGSNAP_NAME=one\0', 'one'],
  ['WAGSNAP_NAME=one', 'one'],
  ['A=b\0WAGSNAP_NAME=two\0C=d\0', 'two'],
  ['XWAGSNAP_NAME=three\0', undefined],
  ['A=WAGSNAP_NAME=four\0WAGSNAP_NAME=five\0', 'five'],
  ['WAGSNAP_NAME=7\0WAGSNAP_NAME=six\0', undefined],
  ['WAGSNAP_NAME=a\x1b[31m\0', undefined],
  ['WAGSNAP_NAMES=seven\0', undefined],
])('in the environment %j', (text, name) => {
  expect(nameInEnvironment(Buffer.from(text, 'latin1'))).toBe(name);
});

test.each([
  [0, 'x', undefined],
  [3, 'one', 'one'],
  [63, 'y'.repeat(63), 'y'.repeat(63)],
  [0xffffffff, 'z'.repeat(63), 'z'.repeat(63)],
  [3, '\x1b[3', undefined],
])('in an image, %d bytes of %j', (length, text, name) => {
  const block = Buffer.alloc(1024);
  block.writeUInt32LE(length, RT_NAME_LENGTH);
  block.write(text, RT_NAME, 'latin1');
  block.write('!', RT_NAME + NAME_MAX, 'latin1');
  const image = {
    outline: { data: { imageOffset: 4096 } },
    loadedBytes: (at: number, size: number) => block.subarray(at - 4096, at - 4096 + size),
  } as unknown as ImageDescription;
  expect(nameInImage(image)).toBe(name);
});
