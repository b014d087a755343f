/** The conformance suite on a CPU: no failure but the expected ones, and no fewer assertions than before. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Assembler,
  createAssembler,
  SCRIPT_FEATURES,
  testsuiteFolder,
  testsuiteScripts,
} from '../support/wast.js';
import { expectedFailures, judge, storeCounts, storedCounts } from './expectations.js';
import { runScript, type ScriptResult } from './run-script.js';
import { type SpecTarget, specTarget } from './targets.js';

const suite = testsuiteFolder();
const bless = process.env['BLESS'] === '1';

/** Defines the tests. `arch`: see specTarget; a CPU that is not this machine's needs qemu-user. */
export function testConformance(arch: string): void {
  describe(`conformance suite, ${arch}`, () => {
    const target = process.platform === 'linux' ? specTarget(arch) : undefined;
    if (suite === undefined || target === undefined) {
      const why =
        suite === undefined
          ? 'set WASM_TESTSUITE to its folder'
          : 'nothing here runs its code (install qemu-user-static)';
      it.skip(`was not run: ${why}`, () => {});
      return;
    }
    testScripts(suite, target);
  });
}

function testScripts(suite: string, target: SpecTarget): void {
  const scripts = testsuiteScripts(suite);
  const results: ScriptResult[] = [];
  let assemble: Assembler;
  let folder: string;

  beforeAll(async () => {
    assemble = await createAssembler(SCRIPT_FEATURES);
    folder = mkdtempSync(join(tmpdir(), 'wagsnap-spec-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    if (bless) storeCounts(results);
  });

  it.each(scripts)('%s', async (script) => {
    const result = await runScript(script, readFileSync(join(suite, script)), { target, assemble, folder });
    results.push(result);
    const { unexpected, stale } = judge(result, target.target.name);
    const lines = unexpected.map(({ line, command, reason }) => `${script}:${line}: ${command}: ${reason}`);
    expect(lines.join('\n')).toBe('');
    expect(stale, 'expected to fail, but passes: see expected-failures.json').toEqual([]);
    const { assertions, passed, skipped, failures } = result;
    expect(assertions).toBeLessThanOrEqual(passed + skipped + failures.length);
    if (!bless) {
      expect(
        passed,
        'assertions that pass: fewer than in counts.json (BLESS=1 stores a new count)',
      ).toBeGreaterThanOrEqual(storedCounts[script] ?? 0);
      expect(storedCounts, 'counts.json (BLESS=1 adds it)').toHaveProperty([script]);
    }
  });

  it('has every script that is expected to fail, or was counted', () => {
    const own = expectedFailures.filter(({ sha256 }) => sha256 === undefined);
    const named = [...own.map(({ script }) => script), ...Object.keys(storedCounts)];
    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  });
}
