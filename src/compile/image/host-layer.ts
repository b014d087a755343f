/**
 * The host layer's module: WASI and the process's own part, built from src/runtime/host.ts to
 * dist/runtime/host.wasm.
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ToolError } from '../../errors.js';
import { loadHostModule } from '../../runtime/host-module.js';
import { decodeModule } from '../wasm/decode.js';
import type { Module } from '../wasm/module.js';

interface Package {
  readonly root: string;
  readonly version: string;
}

let found: Package | undefined;
let hostLayer: Module | undefined;

/** The folder with wag-snap's package.json, above this file whether it runs from source or from dist. */
function findPackage(): Package {
  if (found) return found;
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (name === 'wag-snap') return (found = { root: folder, version });
    } catch {
      // further up
    }
    if (folder === dirname(folder))
      throw new ToolError('installation', 'wag-snap is not installed completely: no package.json');
  }
}

export function compilerVersion(): string {
  return findPackage().version;
}

export function loadHostLayer(): Module {
  return (hostLayer ??= decodeModule(loadHostModule(), 'host.wasm'));
}
