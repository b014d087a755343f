/**
 * Every .wat of test/listings compiles to the code in its trailing comments, on both CPUs. BLESS=1 rewrites the
 * comments.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { arm64 } from '../../src/arch/arm64/target.js';
import { x64 } from '../../src/arch/x64/target.js';
import { assemble } from '../../src/wasm/assemble.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { assembleByBinaryen } from '../support/binaryen.js';
import {
  bytesOf,
  CPUS,
  disassemblerFor,
  joinExpected,
  joined,
  listFunctions,
  render,
  splitExpected,
} from './listing.js';

const folder = import.meta.dirname;
const targets = { x64, arm64 };

describe('listings', () => {
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.wat'))) {
    it(`${name} (BLESS=1 rewrites it)`, async () => {
      const file = join(folder, name);
      const { program, expected } = splitExpected(readFileSync(file, 'utf8'));
      const isNew = program.includes('binaryen assembles it');
      const bytes = isNew ? assembleByBinaryen(program) : await assemble(Buffer.from(program), name);
      const list = (cpu: (typeof CPUS)[number]) => listFunctions(decodeModule(bytes, name), targets[cpu]);
      if (process.env.BLESS === '1') {
        const text = (cpu: (typeof CPUS)[number]) => render(list(cpu), disassemblerFor(cpu));
        writeFileSync(file, joinExpected(program, { x64: text('x64'), arm64: text('arm64') }));
        return;
      }
      for (const cpu of CPUS) expect(joined(bytesOf(render(list(cpu)))), cpu).toBe(joined(bytesOf(expected[cpu])));
    });
  }
});
