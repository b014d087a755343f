import { expect, test } from 'vitest';
import { nearest } from '../../../../bin/options/suggest.js';

const commands = ['compile', 'run', 'capture', 'restore', 'coredump', 'inspect', 'ps', 'check'];

test.each([
  ['rn', 'run'],
  ['rum', 'run'],
  ['complie', 'compile'],
  ['compiel', 'compile'],
  ['captur', 'capture'],
  ['Restore', 'restore'],
  ['CAPTURE', 'capture'],
  ['PS', 'ps'],
  ['inspekt', 'inspect'],
  ['core-dump', 'coredump'],
  ['chekc', 'check'],
  ['sp', 'ps'],
  ['fly', undefined],
  ['x', undefined],
  ['', undefined],
  ['deploy', undefined],
])('%s', (word, expected) => expect(nearest(word, commands)).toBe(expected));
