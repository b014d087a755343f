/**
 * A fault at each step of what changes a store. Afterwards every earlier generation is whole, a new one is complete or
 * missing, and the next prune removes what a killed tool has left. All steps: see support/sampling.ts.
 */

import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createStore, openStore } from '../../src/api/store.js';
import { random } from '../support/random.js';
import { ownPart, sample, seed } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import { wrongCommand } from './capture-sweep.js';
import { command, describeFault, faultsFor, trace } from './command.js';
import { Tally } from './tally.js';

const folder = temporaryFolder();
const tally = new Tally('store').printAtEnd();
const next = random(seed);
const fixtures = join(import.meta.dirname, '../../fixtures/snapshots/v3/x64');
const pristine = join(folder, 'pristine');
const before = ['job:1', 'job:2', 'other:1'];

beforeAll(async () => {
  const store = await createStore(pristine);
  await store.import(join(fixtures, 'generations-0.wsnap'), 'job');
  await store.import(join(fixtures, 'generations.wsnap'), 'job');
  await store.import(join(fixtures, 'generations-0.wsnap'), 'other');
});

/** A store of its own for each try, always at the same path. */
function fresh(own: string): string {
  const at = join(own, 'store');
  rmSync(at, { recursive: true, force: true });
  cpSync(pristine, at, { recursive: true });
  return at;
}

/** @param may which of the generations before may be gone, and which new ones may be there */
async function wrongStore(at: string, may: RegExp): Promise<string | undefined> {
  const store = await openStore(at);
  const titles = store.list().map(({ name, tag }) => `${name}:${tag}`);
  const lost = before.filter((title) => !titles.includes(title) && !may.test(title));
  const made = titles.filter((title) => !before.includes(title) && !may.test(title));
  if (lost.length + made.length > 0) return `lost ${lost}, made ${made}`;
  const { wrong } = await store.verify();
  if (wrong.length > 0) return wrong.join('; ');
  await store.prune({ keep: 100 });
  await (await openStore(at)).import(join(fixtures, 'generations-0.wsnap'), 'after');
  const left = [...readdirSync(join(at, 'ingest')), ...readdirSync(join(at, 'lock'))];
  const blobs = readdirSync(join(at, 'blobs', 'sha256'));
  if (left.length > 0 || blobs.some((name) => !/^[0-9a-f]{64}$/.test(name))) return `left: ${left} ${blobs}`;
  const { blobs: more } = await store.prune({ keep: 100, dryRun: true });
  return more === 0 ? undefined : `${more} files that nothing leads to`;
}

test.each([
  ['import', ['snapshots', 'import', join(fixtures, 'generations.wsnap'), '-t', 'job'], /^job:3$/],
  ['compact', ['snapshots', 'compact', 'job:2'], /^$/],
  ['rm', ['snapshots', 'rm', 'job:1'], /^job:1$/],
  ['prune', ['snapshots', 'prune'], /^job:1$/],
  ['export', ['snapshots', 'export', 'job:2', '-o', join(folder, 'export', 'out.wsnap')], /^$/],
])(`every step of %s, seed ${seed}`, { timeout: 7_200_000 }, async (what, args, may) => {
  const own = join(folder, what);
  mkdirSync(own);
  const all = [...args, '--store', join(own, 'store')];
  fresh(own);
  const counts = await trace(all, { folder: own });
  const injected = tally.injected;
  for (const fault of ownPart(sample(faultsFor(counts, next), 12, ({ label }) => label.split(' ')[0], next))) {
    const at = fresh(own);
    const outcome = await command(all, { folder: own, fault });
    if (!outcome.reached) continue;
    const unsure = /may be lost in a power failure/.test(outcome.stderr);
    tally.add(
      `${what}, ${describeFault(fault)}`,
      (unsure ? undefined : wrongCommand(outcome, fault)) ?? (await wrongStore(at, may)),
    );
  }
  expect(tally.failures).toEqual([]);
  expect(tally.injected - injected).toBeGreaterThan(5);
});
