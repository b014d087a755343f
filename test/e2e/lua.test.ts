/**
 * Debian's Lua, built for WASI, sorts, builds strings and recurses; it is captured at random moments, ten in an exhaustive
 * run, and restored each time. Skips, and says why, where Lua cannot be built.
 */

import { resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sized } from '../support/sampling.js';
import { brokenRuns, type Program, type Result, unbrokenRun } from './broken-run.js';
import { type Built, build, lua } from './debian-source.js';

const CAPTURES = sized(4, 10);

describe('Lua', () => {
  let built: Built;
  let whole: Result;
  let program: Program;

  beforeAll(async () => {
    built = await build(lua);
    if ('missing' in built) return console.warn(`Lua tests are skipped: ${built.missing}`);
    program = { module: built.wasm, args: ['script.lua', '120'], cwd: resolve('test/e2e/lua') };
  });

  test('runs the script', async ({ skip }) => {
    if ('missing' in built) return skip(built.missing);
    whole = await unbrokenRun(program);
    const lines = whole.stdout.toString().split('\n');
    expect(whole.code).toBe(0);
    expect(lines[0]).toBe('lua\tLua 5.4\t120');
    expect(lines.slice(1, 4)).toEqual([
      '1\tsort\t1251208817\tn98518\tn08026',
      '1\tstrings\t41470\tmi\t197\t3511\t3387161312\thsakimak ornetihs rodnet',
      '1\tackermann\t85\t125',
    ]);
    expect(lines.at(-2)).toMatch(/^done\t/);
  });

  test(`continues after each of ${CAPTURES} captures`, async ({ skip }) => {
    if ('missing' in built) return skip(built.missing);
    for (const run of await brokenRuns(program, CAPTURES, whole.duration)) {
      expect(run.stdout.toString(), `seed ${run.seed}`).toBe(whole.stdout.toString());
      expect(run.code).toBe(whole.code);
    }
  });
});
