/** Whether files have holes where temporary files are: then a sparse file takes no room for what was never written. */

import { closeSync, fsyncSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const SIZE = 1 << 20;

export function hasHoles(folder: string): boolean {
  const path = join(folder, 'holes');
  const fd = openSync(path, 'w');
  try {
    ftruncateSync(fd, SIZE);
    writeSync(fd, 'x', SIZE / 2);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  const { blocks } = statSync(path);
  rmSync(path);
  return blocks * 512 <= 4096;
}
