/**
 * `npm run build`: TypeScript to dist/, then the host layer that images carry (scripts/build-host.mjs, which uses the
 * compiler just built). bin/wag-snap runs what is in dist/.
 */

import { existsSync } from 'node:fs';
import { bin, ensurePackages, must, root } from './setup.mjs';

ensurePackages();
must(bin('tsc'), ['-p', 'tsconfig.build.json']);
if (existsSync(`${root}/scripts/build-host.mjs`)) must('node', ['scripts/build-host.mjs']);
