/**
 * The package that this code is part of, as its package.json describes it. package.json is in a folder above this file,
 * whether the code runs from source, from dist or from another tool's bundle.
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ToolError } from './errors.js';

interface Package {
  readonly folder: string;
  readonly version: string;
  readonly description: string;
}

let own: Package | undefined;

/** @throws ToolError when package.json is not there */
export function ownPackage(): Package {
  if (own) return own;
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const { name, version, description } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (name === 'wag-snap') return (own = { folder, version, description });
    } catch {
      // try the parent folder
    }
    if (folder === dirname(folder)) {
      throw new ToolError('installation', 'wag-snap is not installed completely: no package.json');
    }
  }
}
