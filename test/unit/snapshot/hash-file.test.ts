/** Hashes of files: only regular ones are ever opened. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ToolError } from '../../../src/base/errors.js';
import { hashFile } from '../../../src/snapshot/file-facts.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-hash-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a regular file, also through a link', async () => {
  const bytes = Buffer.alloc(3 << 20, 'text');
  writeFileSync(join(folder, 'file'), bytes);
  symlinkSync('file', join(folder, 'link'));
  const expected = createHash('sha256').update(bytes).digest('hex');
  expect(await hashFile(join(folder, 'file'))).toBe(expected);
  expect(await hashFile(join(folder, 'link'))).toBe(expected);
});

test('a FIFO that nobody writes to and a device are refused at once', async () => {
  const fifo = join(folder, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  for (const path of [fifo, '/dev/zero', folder]) {
    const refusal = expect(hashFile(path)).rejects;
    await refusal.toBeInstanceOf(ToolError);
    await refusal.toThrow('is not a regular file any more');
  }
});
