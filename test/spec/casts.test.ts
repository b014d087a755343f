/** Tests and casts of references, on both CPUs: the script beside this file, whose text needs the parser of wasm-tools. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { assembleAsUsersDo } from '../support/wast.js';
import { runScript } from './run-script.js';
import { ARCHES, specTarget } from './targets.js';

const folder = mkdtempSync(join(tmpdir(), 'wagsnap-casts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each(ARCHES)('ref.test, ref.cast, br_on_cast and br_on_cast_fail, %s', async (arch) => {
  const target = specTarget(arch);
  if (target === undefined) return;
  const text = readFileSync(join(import.meta.dirname, 'casts.wast'));
  for (const variation of [undefined, 7]) {
    const options = { target, assemble: assembleAsUsersDo, folder, variation };
    const { failures, skips, passed } = await runScript('casts.wast', text, options);
    expect({ failures, skips, passed }).toEqual({ failures: [], skips: [], passed: 133 });
  }
});
