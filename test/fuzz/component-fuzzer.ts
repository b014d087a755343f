/** `npm run fuzz -- components`: hostile components (hostile-components.ts), until some are not borne or the time is over. */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostileComponents } from './hostile-components.js';

const MOST_FAILURES = 10;
const FOLDER = 'build/fuzz';

/** @param end when to stop: performance.now(). @returns how many were not borne */
export async function fuzzComponents(firstSeed: number, end: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-fuzz-'));
  const components = new HostileComponents(folder);
  let [seed, failed] = [firstSeed, 0];
  try {
    await components.prepare();
    for (; performance.now() < end && failed < MOST_FAILURES; seed++) {
      const wrong = await components.bear(seed);
      if (wrong === undefined) continue;
      failed++;
      mkdirSync(FOLDER, { recursive: true });
      const file = join(FOLDER, `component-${seed}.wasm`);
      copyFileSync(components.path, file);
      console.log(`seed ${seed}: ${file}: ${wrong}`);
    }
  } finally {
    components.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const ends = [...components.ends].map(([end, times]) => `${end} ${times}`).join(', ');
  console.log(`${seed - firstSeed} hostile components, ${failed} not borne; compilations: ${ends}`);
  return failed;
}
