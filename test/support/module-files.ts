/** Paths of the modules among the fixtures and beside the tests. */

import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sample } from './sampling.js';

const FOLDERS = ['fixtures/programs', 'fixtures/modules', 'test/migrate', 'test/fuzz'];

/** Some of them, of each folder; all: see sampling.ts. */
export function moduleFiles(count: number): readonly string[] {
  const all = FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.wa(sm|t)$/.test(name))
      .map((name) => join(folder, name)),
  );
  return sample(all, count, dirname);
}
