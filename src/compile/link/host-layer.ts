/**
 * The host layer's module: WASI and the process's own part, built from src/runtime/host.ts to
 * dist/runtime/host.wasm.
 */

import { decodeModule } from '../../wasm/decode.js';
import type { Module } from '../../wasm/module.js';
import { loadHostModule } from './host-module.js';

let hostLayer: Module | undefined;

export function loadHostLayer(): Module {
  return (hostLayer ??= decodeModule(loadHostModule(), 'host.wasm'));
}
