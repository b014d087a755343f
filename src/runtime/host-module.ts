/**
 * The host layer's wasm module, as scripts/build-host.mjs has built it: dist/runtime/host.wasm of the package's folder,
 * which is above this file whether it runs from source, from dist or from a tool's build.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ToolError } from '../errors.js';

const PLACE = 'dist/runtime/host.wasm';

let bytes: Uint8Array | undefined;

/** @throws ToolError when it has not been built */
export function loadHostModule(): Uint8Array {
  if (bytes) return bytes;
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, PLACE))) return (bytes = readFileSync(join(folder, PLACE)));
  }
  throw new ToolError('installation', `${PLACE} is missing: build the host layer with \`npm run build\``);
}
