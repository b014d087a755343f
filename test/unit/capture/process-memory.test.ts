/** Reading another process's memory: what is not there, and what is there but cannot be read. */

import { expect, test } from 'vitest';
import type { ProcessFolder } from '../../../src/capture/process-folder.js';
import { ProcessMemory } from '../../../src/capture/process-memory.js';

/** In no process: below vm.mmap_min_addr, so the kernel says EIO of it. */
const NOWHERE = 0x1000;

/** Our own memory, of which /proc/self/maps is said to be `maps`. */
function ours(maps: () => string): ProcessMemory {
  const folder = { pid: process.pid, path: (name: string) => `/proc/self/${name}`, text: maps };
  return ProcessMemory.open(folder as unknown as ProcessFolder);
}

const room = Buffer.alloc(64);

test('where nothing is mapped there is nothing to read', () => {
  const memory = ours(() => '5000-6000 rw-p 00000000 00:00 0 \n');
  expect(memory.readSome(NOWHERE, room, 0, 8)).toBe(0);
  memory.close();
});

test.each([
  ['as maps says', () => '1000-2000 rw-p 00000000 00:00 0 \n'],
  [
    'as far as is known',
    () => {
      throw new Error('maps cannot be read');
    },
  ],
])('what is mapped but cannot be read is an error of the tool, not of the process: %s', (_, maps) => {
  const memory = ours(maps);
  expect(() => memory.readSome(NOWHERE, room, 0, 8)).toThrow(
    expect.objectContaining({ name: 'ToolError', code: 'process-memory', message: expect.stringContaining('EIO') }),
  );
  memory.close();
});
