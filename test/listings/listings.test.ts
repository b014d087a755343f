/** Every .wat of test/listings/x64 compiles to the code in its trailing comment. BLESS=1 rewrites the comments. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { x64 } from '../../src/arch/x64/target.js';
import { decodeModule } from '../../src/compile/wasm/decode.js';
import { assemble } from '../../src/compile/wasm/wat.js';
import { bytesOf, joined, listFunctions, render, splitExpected } from './listing.js';

const folder = join(import.meta.dirname, 'x64');

describe('listings', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.wat'))) {
    it(`x64/${name} (BLESS=1 rewrites it)`, async () => {
      const file = join(folder, name);
      const { program, expected } = splitExpected(readFileSync(file, 'utf8'));
      const listings = listFunctions(decodeModule(await assemble(Buffer.from(program), name), name), x64);
      if (process.env.BLESS === '1') {
        writeFileSync(file, `${program}\n\n${render(listings, true)}`);
        return;
      }
      expect(joined(bytesOf(render(listings, false)))).toBe(joined(bytesOf(expected)));
    });
  }
});
