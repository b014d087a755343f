/**
 * The interfaces of WASI 0.2, a module that components are merged with: built from src/runtime/interfaces to
 * dist/runtime/interfaces.wasm.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { decodeModule } from '../wasm/decode.js';
import type { Module } from '../wasm/module.js';

const PLACE = 'dist/runtime/interfaces.wasm';

let module: Module | undefined;

/** @throws ToolError when it has not been built */
export function loadInterfaces(): Module {
  if (module !== undefined) return module;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(join(ownPackage().folder, PLACE));
  } catch {
    throw new ToolError('installation', `${PLACE} is missing: build it with \`npm run build\``);
  }
  return (module = decodeModule(bytes, 'interfaces.wasm'));
}
