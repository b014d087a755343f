/** What `receive --listen` refuses before it listens. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListenOptions, listenForMoves } from '../../../src/api/receiver-listener.js';
import { ensureKeys } from '../../../src/transport/keys.js';

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-receiver-listener-'));
const keys = join(folder, 'keys');
const file = join(folder, 'file');
let fingerprint: string;

beforeAll(async () => {
  ({ fingerprint } = await ensureKeys(keys));
  writeFileSync(file, '');
});
afterAll(() => rmSync(folder, { recursive: true }));

const granting = (host: string): ListenOptions => ({
  grants: { dirs: [{ host, name: 'data', readOnly: false }], listen: [] },
});

test.each<[string, () => ListenOptions, RegExp]>([
  ['a folder that is not there', () => granting(`${folder}/none`), /^--dir .*\/none::data: there is no such folder$/],
  ['a file', () => granting(file), /^--dir .*\/file::data: it is no folder$/],
  ['less than one program', () => ({ maxWorkloads: 0 }), /^--max-workloads 0: expected/],
  ['no number of programs', () => ({ maxWorkloads: Number.NaN }), /^--max-workloads NaN: expected/],
  ['less than no memory', () => ({ maxMemory: -1 }), /memory/],
])('%s', async (_, options, message) => {
  await expect(listenForMoves('127.0.0.1:0', { keys, peers: [fingerprint], ...options() })).rejects.toThrow(message);
});
