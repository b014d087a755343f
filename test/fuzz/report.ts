/** Shows a failure: its text format, where it differs, and the files to look at. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';
import { SCRIPT_FEATURES } from '../support/wast.js';
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
      const module = (await wabt()).readWasm(bytes, { readDebugNames: false, ...SCRIPT_FEATURES });
      const text = module.toText({ foldExprs: false, inlineExport: false });
      module.destroy();
      writeFileSync(file.replace('.wasm', '.wat'), text);
    } catch (error) {
      console.log(`no text of it: ${(error as Error).message}`);
    }
  }
  writeFileSync(join(FOLDER, `${seed}.json`), JSON.stringify({ seed, variant, choices }));
}
