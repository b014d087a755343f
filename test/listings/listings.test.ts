/** Every .wat of test/listings/x64 compiles to the code in its trailing comment. BLESS=1 rewrites the comments. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import wabt from 'wabt';
import { x64 } from '../../src/arch/x64/target.js';
import { decodeModule } from '../../src/compile/wasm/decode.js';
import { bytesOf, joined, listFunctions, render, splitExpected } from './listing.js';

const folder = join(import.meta.dirname, 'x64');
const toolkit = await wabt();

describe('listings', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.wat'))) {
    it(`x64/${name} (BLESS=1 rewrites it)`, () => {
      const file = join(folder, name);
      const { program, expected } = splitExpected(readFileSync(file, 'utf8'));
      const parsed = toolkit.parseWat(name, program, { bulk_memory: true, reference_types: true, multi_value: true });
      const listings = listFunctions(decodeModule(parsed.toBinary({}).buffer, name), x64);
      if (process.env.BLESS === '1') {
        writeFileSync(file, `${program}\n\n${render(listings, true)}`);
        return;
      }
      expect(joined(bytesOf(render(listings, false)))).toBe(joined(bytesOf(expected)));
    });
  }
});
