/** Shows a failure: its text format, where it differs, and the files to look at. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { print } from '@bytecodealliance/jco-transpile/wasm-tools';
import { NanMode } from './code.js';
import { type Failure, rewritten } from './differential.js';
import { randomCase } from './random-module.js';

const FOLDER = 'build/fuzz';

export async function reportFailure({ seed, variant, choices, message }: Failure): Promise<void> {
  const { sizes, deterministic } = variant;
  const nan = deterministic ? NanMode.Native : NanMode.Guarded;
  const one = randomCase(seed, { sizes, nan, script: choices });
  mkdirSync(FOLDER, { recursive: true });
  console.log(`\nseed ${seed}, ${JSON.stringify(variant)}\n${message}`);
  for (const { name, bytes } of rewritten(one, variant).modules) {
    const file = join(FOLDER, `${name}.wasm`);
    writeFileSync(file, bytes);
    console.log(`${file}: ${bytes.length} bytes`);
    try {
      writeFileSync(file.replace('.wasm', '.wat'), await print(bytes));
    } catch (error) {
      console.log(`no text of it: ${(error as Error).message}`);
    }
  }
  writeFileSync(join(FOLDER, `${seed}.json`), JSON.stringify({ seed, variant, choices }));
}
