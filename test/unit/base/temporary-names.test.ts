/** What the user hears of a temporary file: what it is for, and where there is no room for it. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeFailure } from '../../../src/base/errors.js';
import { ownName } from '../../../src/base/temporary.js';
import { nameTemporary } from '../../../src/base/temporary-names.js';

const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });

test('its folder, and what it is for, when the disk is full', () => {
  const image = join('/scratch', ownName(), 'image');
  nameTemporary(image, 'big:1');
  expect(writeFailure(image, full).headline).toBe('/scratch (for big:1): cannot be written: the disk is full');
});

test('an output keeps the name that the user gave it', () => {
  nameTemporary('/home/somebody/core', 'core');
  expect(writeFailure('/home/somebody/core', full).headline).toBe('core: cannot be written: the disk is full');
});
