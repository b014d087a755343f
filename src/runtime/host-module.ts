/**
 * The host layer's wasm module, as scripts/build-host.mjs has built it: dist/runtime/host.wasm, found from the sources
 * (tests) and from dist itself (the installed package).
 */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BugError } from '../errors.js';

const PLACES = ['../../dist/runtime/host.wasm', '../../runtime/host.wasm']; // from src/runtime, from dist/src/runtime

let bytes: Uint8Array | undefined;

/** @throws BugError when it has not been built */
export function loadHostModule(): Uint8Array {
  if (bytes) return bytes;
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(path)) return (bytes = readFileSync(path));
  }
  throw new BugError('dist/runtime/host.wasm is missing: run "npm run build"');
}
