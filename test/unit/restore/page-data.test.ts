/** Page data on its way into a self-contained file. */

import { closeSync, openSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WASM_PAGE } from '../../../src/image/contract/sizes.js';
import { copyPageData, placeExtents } from '../../../src/restore/page-data.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();

test('as many extents as a large memory with every other page in use has', () => {
  const count = 500_000;
  const extents = Array.from({ length: count }, (_, i) => ({
    offset: 2 * i * WASM_PAGE,
    fileOffset: (i + 1) * WASM_PAGE,
    bytes: WASM_PAGE,
  }));
  const memory = { pages: 1 << 20, maxPages: 1 << 20, extents, blocks: new Uint16Array(count) };
  const path = join(folder, 'source');
  writeFileSync(path, '');
  const stored = { path, snapshot: { instances: [{ memories: [memory] }] } } as unknown as StoredSnapshot;
  const placed = placeExtents(stored, WASM_PAGE);
  const output = join(folder, 'output');
  const fd = openSync(output, 'w');
  copyPageData(stored, placed, fd);
  closeSync(fd);
  expect(placed.bytes).toBe(count * WASM_PAGE);
  expect(statSync(output).size).toBe((count + 1) * WASM_PAGE);
});
