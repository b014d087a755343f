/**
 * `npm run fuzz -- components`: hostile components (hostile-components.ts), components of random worlds
 * (component-signatures.ts), and after some of them a random program (component-differential.ts), until some have failed
 * or the time is over.
 */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArchName } from '../../src/arch/masm/target.js';
import { ComponentDifferential } from './component-differential.js';
import { compareSignatures } from './component-signatures.js';
import { HostileComponents } from './hostile-components.js';

const MOST_FAILURES = 10;
const FOLDER = 'build/fuzz';
/** Of the others before each random program, which takes longer. */
const BATCH = 8;

/** @param end when to stop: performance.now(). @returns how many failed */
export async function fuzzComponents(firstSeed: number, end: number, arches: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-fuzz-'));
  const hostile = new HostileComponents(folder);
  const random = new ComponentDifferential(folder);
  let [seed, failed, valid] = [firstSeed, 0, 0];
  const tell = (seed: number, wrong: string | undefined, path?: string) => {
    if (wrong === undefined) return;
    failed++;
    if (path === undefined) return console.log(`seed ${seed}: ${wrong}`);
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, `component-${seed}.wasm`);
    copyFileSync(path, file);
    console.log(`seed ${seed}: ${file}: ${wrong}`);
  };
  try {
    await hostile.prepare();
    for (; performance.now() < end && failed < MOST_FAILURES; seed++) {
      tell(seed, await hostile.bear(seed), hostile.path);
      const { wrong, isValid } = await compareSignatures(seed);
      tell(seed, wrong);
      if (isValid) valid++;
      if (seed % BATCH !== 0) continue;
      const arch = arches[(seed / BATCH) % arches.length] as ArchName;
      tell(seed, await random.run(seed, arch), random.path);
    }
  } finally {
    hostile.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const counts = (ends: ReadonlyMap<string, number>) => [...ends].map(([end, times]) => `${end} ${times}`).join(', ');
  console.log(`${seed - firstSeed} hostile components; compilations: ${counts(hostile.ends)}`);
  console.log(`as many components of random worlds, ${valid} of them valid`);
  console.log(`random programs; exit codes and traps: ${counts(random.ends)}; ${failed} failed`);
  return failed;
}
