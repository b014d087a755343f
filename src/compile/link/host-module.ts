/**
 * The host layer's wasm module, as scripts/build-host.mjs has built it: dist/runtime/host.wasm of the package's folder.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from '../../base/errors.js';
import { ownPackage } from '../../base/package.js';

const PLACE = 'dist/runtime/host.wasm';

let bytes: Uint8Array | undefined;

/** @throws ToolError when it has not been built */
export function loadHostModule(): Uint8Array {
  const path = join(ownPackage().folder, PLACE);
  if (bytes === undefined && !existsSync(path)) {
    throw new ToolError('installation', `${PLACE} is missing: build the host layer with \`npm run build\``);
  }
  return (bytes ??= readFileSync(path));
}
