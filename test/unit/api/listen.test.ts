/** --listen: what is passed on to the image. */

import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parseListen } from '../../../src/api/listen.js';
import { UsageError } from '../../../src/base/errors.js';

it('makes numbers of names and absolute paths of relative ones', async () => {
  expect(await parseListen('127.0.0.1:8080')).toBe('127.0.0.1:8080');
  expect(await parseListen('[::1]:80')).toBe('[::1]:80');
  expect(await parseListen('localhost:0')).toMatch(/^(127\.0\.0\.1|\[::1\]):0$/);
  expect(await parseListen('unix:some/socket')).toBe(`unix:${resolve('some/socket')}`);
});

it.each([
  '',
  '80',
  ':80',
  'host',
  'host:',
  'host:x',
  '1.2.3.4:65536',
  '[::1]',
  '[x]:1',
  '::1:80',
  'unix:',
  'a b:1',
  'unix:a\nb',
  'unix:a\0b',
])('refuses %j', async (text) => {
  await expect(parseListen(text)).rejects.toThrow(UsageError);
});
