/** Copies of files into a store. */

import fs, {
  chmodSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { nameTemporary, withoutTemporaries } from '../../../../src/base/temporary-names.js';
import { copySparse } from '../../../../src/snapshot/store/sparse-copy.js';
import { FIRST, folder, NEWEST, store } from './sample-store.js';

describe('a file', () => {
  test('that may only be read is imported, for its owner only, and keeps its holes', async () => {
    const file = join(folder, '..', 'read-only.wsnap');
    copyFileSync(FIRST, file);
    chmodSync(file, 0o444);
    await store.import(file, 'job');
    expect(statSync(store.find('job').path).mode & 0o777).toBe(0o600);
    const sparse = join(folder, '..', 'sparse');
    writeFileSync(sparse, 'x');
    truncateSync(sparse, 8 << 20);
    const fd = openSync(sparse, 'r+');
    writeSync(fd, 'end', (8 << 20) - 3);
    closeSync(fd);
    const copied = join(folder, '..', 'copied');
    await copySparse(sparse, copied, async () => {});
    expect(readFileSync(copied).equals(readFileSync(sparse))).toBe(true);
    expect(statSync(copied).blocks).toBeLessThanOrEqual(64);
  });

  test('is copied where there are no links', async () => {
    await store.import(NEWEST, 'job');
    const { path } = store.find('job');
    const ingest = store['store'].ingest();
    const link = fs.linkSync;
    fs.linkSync = () => {
      throw Object.assign(new Error('EMLINK'), { code: 'EMLINK', syscall: 'link' });
    };
    syncBuiltinESMExports();
    try {
      const kept = await ingest.keep(store['store'].blobs.digestOf(path) ?? '');
      expect(statSync(kept).ino).not.toBe(statSync(path).ino);
      expect(readFileSync(kept).equals(readFileSync(path))).toBe(true);
    } finally {
      fs.linkSync = link;
      syncBuiltinESMExports();
      ingest.close();
    }
  });
});

describe('a copy that fails', () => {
  /** Lets a function of node:fs fail. */
  async function failing(name: 'readSync' | 'ftruncateSync', code: string, work: () => Promise<unknown>) {
    const real = fs[name];
    (fs as { [name]: unknown })[name] = () => {
      throw Object.assign(new Error(code), { code, syscall: name });
    };
    syncBuiltinESMExports();
    try {
      return await work().catch((error: Error) => error.message);
    } finally {
      (fs as { [name]: unknown })[name] = real;
      syncBuiltinESMExports();
    }
  }

  test.each([
    ['readSync', 'EIO', () => `${FIRST}: cannot be read: `],
    ['ftruncateSync', 'ENOSPC', () => `${folder}: cannot be written: `],
  ] as const)('names what has failed: %s', async (call, code, says) => {
    const ingest = store['store'].ingest();
    expect(await failing(call, code, () => ingest.copy(FIRST, 'copy'))).toContain(says());
    ingest.close();
  });

  test('is never named itself: a copy of a copy is what the user gave', async () => {
    const spooled = join(folder, 'spooled');
    copyFileSync(FIRST, spooled);
    nameTemporary(spooled, 'standard input');
    const ingest = store['store'].ingest();
    await ingest.copy(spooled, 'copy');
    expect(withoutTemporaries(`${ingest.pathOf('copy')}: damaged`)).toBe('standard input: damaged');
    ingest.close();
  });
});
