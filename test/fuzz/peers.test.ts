/**
 * A sample of hostile peers (peers.ts): mutated moves for a receiver and for a source to bear. `npm run fuzz -- peers`
 * goes on for as long as it is told.
 *
 * WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { seed, sized } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import {
  bearSource,
  bearTarget,
  beforeCommit,
  belongings,
  type Conversation,
  ConversationMutator,
  largeProgram,
  leftBehind,
  recordMove,
} from './peers.js';

const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? sized(40, 100_000));
const folder = temporaryFolder();
const output = join(folder, 'there');
process.env['XDG_CACHE_HOME'] = join(folder, 'cache');

const conversations: Conversation[] = [];
beforeAll(async () => {
  mkdirSync(output);
  const program = resolve(import.meta.dirname, '../e2e/counter.wat');
  for (const compress of [false, true]) conversations.push(await recordMove(program, folder, { compress }));
  conversations.push(await recordMove(largeProgram(folder), folder, { lazy: true }));
});

test('a move that is said again as it was is prepared, and begins nothing', async () => {
  for (const { source } of conversations) {
    expect(beforeCommit(source)).toBeGreaterThan(3);
    expect(await bearSource(source, output)).toBe('nothing'); // it commits to another pid
    expect(await bearSource(source.slice(0, beforeCommit(source)), output)).toBe('lost');
  }
  expect(await bearTarget(conversations[0].target)).toBe('moved');
  expect(await bearTarget(conversations[2].target, true)).toBe('moved');
  expect(await bearTarget(conversations[0].target, true)).toBe('owing'); // it does not say that it has all
});

test(`${rounds} mutated sources (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const mutator = new ConversationMutator(seed);
  const before = belongings();
  for (let n = 0; n < rounds; n++) {
    const bytes = mutator.mutate(conversations[n % 3].source);
    await bearSource(bytes, output).catch((error) => {
      throw new Error(`mutation ${n}: ${error instanceof Error ? error.stack : error}`);
    });
  }
  expect(await leftBehind(before, output)).toBeUndefined();
});

test(`${rounds * 10} mutated targets (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const mutator = new ConversationMutator(seed);
  const ends = new Map<string, number>();
  for (let n = 0; n < rounds * 10; n++) {
    const isLazy = n % 2 === 1;
    const end = await bearTarget(mutator.mutate(conversations[isLazy ? 2 : 0].target), isLazy).catch((error) => {
      throw new Error(`mutation ${n}: ${error instanceof Error ? error.stack : error}`);
    });
    ends.set(end, (ends.get(end) ?? 0) + 1);
  }
  expect(ends.get('runs here')).toBeGreaterThan(rounds);
  expect(ends.get('owing')).toBeGreaterThan(0);
});
