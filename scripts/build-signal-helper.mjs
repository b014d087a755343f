/**
 * Writes dist/runtime/signal-helper-ARCH for each CPU (src/capture/signal-helper.ts). Needs dist/src.
 */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { targets } from '../dist/src/arch/targets.js';
import { signalHelper } from '../dist/src/capture/signal-helper.js';
import { root } from './setup.mjs';

const folder = `${root}/dist/runtime`;
mkdirSync(folder, { recursive: true });
for (const target of Object.values(targets)) {
  const path = `${folder}/signal-helper-${target.name}`;
  writeFileSync(path, signalHelper(target));
  chmodSync(path, 0o755);
}
