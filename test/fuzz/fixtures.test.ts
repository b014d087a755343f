/**
 * Modules that the code generator once got wrong, or could: the texts in fixtures/modules. Each says in its first line
 * how it exits, runs as a whole, and is captured and restored at every site that it reaches.
 */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { captureAtEverySite } from '../migrate/every-site.js';
import { build, temporaryFolder, Workload } from '../support/workload.js';

const modules = resolve(import.meta.dirname, '../../fixtures/modules');
const folder = temporaryFolder();

for (const file of readdirSync(modules).filter((name) => name.endsWith('.wat'))) {
  test(file, async () => {
    const source = readFileSync(join(modules, file));
    const code = Number(/^;; exit (\d+)/.exec(source.toString('latin1'))![1]);
    const own = join(folder, file);
    mkdirSync(own);
    const built = await build(source, join(own, 'image'));
    expect(await Workload.start(built.path).ended()).toMatchObject({ code });
    const { failures, reached } = await captureAtEverySite(built, own, {}, Number.POSITIVE_INFINITY);
    expect(failures).toEqual([]);
    expect(reached.length).toBeGreaterThan(0);
  });
}
