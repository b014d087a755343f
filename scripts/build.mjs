/**
 * `npm run build`: TypeScript to dist/, then the host layer for images (scripts/build-host.mjs), the program that sends
 * signals (scripts/build-signal-helper.mjs), and the bundle that bin/wag-snap starts (scripts/bundle.mjs).
 */

import { bin, ensurePackages, must } from './setup.mjs';

ensurePackages();
must(bin('tsc'), ['-p', 'tsconfig.build.json']);
must('node', ['scripts/build-host.mjs']);
must('node', ['scripts/build-signal-helper.mjs']);
must('node', ['scripts/bundle.mjs']);
must('node', ['scripts/man-page.mjs']);
