/**
 * The implementation of the WASI 0.2 interfaces, a module that components are merged with. Built from
 * src/runtime/interfaces into dist/runtime/interfaces.wasm.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { decodeModule } from '../wasm/decode.js';
import type { Module } from '../wasm/module.js';

const PLACE = 'dist/runtime/interfaces.wasm';

let module: Module | undefined;

/** @throws ToolError when the module has not been built */
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
