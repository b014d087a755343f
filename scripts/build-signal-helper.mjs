/**
 * Writes dist/runtime/signal-helper-ARCH for each CPU (src/capture/signal-helper.ts). Needs dist/src.
 */

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { targets } from '../dist/src/arch/targets.js';
import { signalHelper } from '../dist/src/capture/signal-helper.js';
import { root } from './setup.mjs';

const folder = `${root}/dist/runtime`;
mkdirSync(folder, { recursive: true });
for (const target of Object.values(targets)) {
  const path = `${folder}/signal-helper-${target.name}`;
  // by a rename, as a running tool may still start the old one
  writeFileSync(`${path}.new`, signalHelper(target), { mode: 0o755 });
  renameSync(`${path}.new`, path);
}
