/**
 * Debian's bzip2, built for WASI, compresses files to stdout; it is captured at random moments, ten in an exhaustive run,
 * with the input open in the middle, and restored each time. Then it unpacks the result. Skips, and says why, where bzip2 cannot be built.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sized } from '../support/sampling.js';
import { brokenRuns, type Program, type Result, unbrokenRun } from './broken-run.js';
import { type Built, build, bzip2 } from './debian-source.js';

const CAPTURES = sized(4, 10);

describe('bzip2', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'wag-snap-bzip2-'));
  const input = text(9_000_000);
  let built: Built;
  let whole: Result;
  /** The same file several times: the results follow one another on stdout, and the run is long enough. */
  const program = (options: string, file: string, times: number): Program => ({
    module: 'wasm' in built ? built.wasm : '',
    args: [options, ...Array<string>(times).fill(file)],
    cwd,
  });

  beforeAll(async () => {
    built = await build(bzip2);
    if ('missing' in built) console.warn(`bzip2 tests are skipped: ${built.missing}`);
    writeFileSync(join(cwd, 'input'), input);
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  test('compresses', async ({ skip }) => {
    if ('missing' in built) return skip(built.missing);
    whole = await unbrokenRun(program('-9kc', 'input', 4));
    expect(whole.code).toBe(0);
    expect(whole.stdout.subarray(0, 4).toString()).toBe('BZh9');
    expect(whole.stdout.length).toBeLessThan(input.length * 2);
  });

  test(`continues after each of ${CAPTURES} captures`, async ({ skip }) => {
    if ('missing' in built) return skip(built.missing);
    for (const run of await brokenRuns(program('-9kc', 'input', 4), CAPTURES, whole.duration)) {
      expect(run.stdout.equals(whole.stdout), `seed ${run.seed}`).toBe(true);
      expect(run.code).toBe(0);
    }
  });

  test('unpacks it again, broken off as often', async ({ skip }) => {
    if ('missing' in built) return skip(built.missing);
    writeFileSync(join(cwd, 'packed.bz2'), whole.stdout);
    const unbroken = await unbrokenRun(program('-dkc', 'packed.bz2', 2));
    const expected = Buffer.concat(Array<Buffer>(8).fill(input));
    expect(unbroken.stdout.equals(expected)).toBe(true);
    for (const run of await brokenRuns(program('-dkc', 'packed.bz2', 2), CAPTURES, unbroken.duration)) {
      expect(run.stdout.equals(expected), `seed ${run.seed}`).toBe(true);
      expect(run.code).toBe(0);
    }
  });
});

/** Text of about natural redundancy: words of a small vocabulary, drawn unevenly, in lines. */
function text(length: number): Buffer {
  let state = 2463534242;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const vocabulary = Array.from({ length: 5000 }, () =>
    Array.from({ length: 2 + random(8) }, () => 'etaoinshrdlucmfwyp'[Math.min(random(18), random(18))]).join(''),
  );
  const lines: string[] = [];
  for (let size = 0; size < length; ) {
    const words = Array.from({ length: 12 }, () => vocabulary[Math.min(random(5000), random(5000), random(5000))]);
    lines.push(words.join(' '));
    size += lines[lines.length - 1].length + 1;
  }
  return Buffer.from(`${lines.join('\n')}\n`.slice(0, length));
}
