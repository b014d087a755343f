/** `npm run fuzz -- stores`: hostile stores (stores.ts), until some are not borne or the time is over. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostileStores } from './stores.js';

const MOST_FAILURES = 10;

/** @param end when to stop: performance.now(). @returns how many were not borne */
export async function fuzzStores(firstSeed: number, end: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-fuzz-'));
  const stores = new HostileStores(folder);
  let [seed, failed] = [firstSeed, 0];
  try {
    await stores.prepare();
    for (; performance.now() < end && failed < MOST_FAILURES; seed++) {
      const wrong = await stores.bear(seed);
      if (wrong === undefined) continue;
      failed++;
      console.log(`seed ${seed}: ${wrong}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const ends = [...stores.ends].map(([end, times]) => `${end} ${times}`).join(', ');
  console.log(`${seed - firstSeed} hostile stores, ${failed} not borne; actions: ${ends}`);
  return failed;
}
