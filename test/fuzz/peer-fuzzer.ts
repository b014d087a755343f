/** `npm run fuzz -- peers`: hostile peers of a move (peers.ts), until one of them does harm or the time is over. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  bearSource,
  bearTarget,
  belongings,
  ConversationMutator,
  largeProgram,
  leftBehind,
  recordMove,
} from './peers.js';

/** Mutations between two looks at what is left behind. */
const BATCH = 200;

/** @param end when to stop: performance.now(). @returns how many did harm */
export async function fuzzPeers(firstSeed: number, end: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-fuzz-'));
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  const output = join(folder, 'there');
  mkdirSync(output);
  let [count, seed] = [0, firstSeed];
  const ends = new Map<string, number>();
  const tell = (what: string) => ends.set(what, (ends.get(what) ?? 0) + 1);
  try {
    const program = resolve('test/e2e/counter.wat');
    const conversations = [
      await recordMove(program, folder),
      await recordMove(program, folder, { compress: true }),
      await recordMove(largeProgram(folder), folder, { lazy: true }),
    ];
    for (const { source } of conversations) await bearSource(source, output); // what is loaded once is
    const before = belongings();
    while (performance.now() < end) {
      for (let n = 0; n < BATCH; n++, seed++) {
        const mutator = new ConversationMutator(seed);
        const { source, target } = conversations[n % 3];
        await bearSource(mutator.mutate(source), output, ({ event }) => tell(`a receiver: ${event}`));
        tell(`a source: ${await bearTarget(mutator.mutate(target), n % 3 === 2)}`);
        count += 2;
      }
      const left = await leftBehind(before, output);
      if (left !== undefined) throw new Error(`something is left behind: ${left}`);
    }
  } catch (error) {
    console.log(`seed ${seed}: ${error instanceof Error ? error.stack : error}`);
    return 1;
  } finally {
    console.log(`${count} mutated streams: ${[...ends].map(([what, times]) => `${what} ${times}`).join(', ')}`);
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}
