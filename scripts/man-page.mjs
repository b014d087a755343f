/** A step of the build: writes the manual page, made from what the commands say about themselves (bin/man-page.ts). */

import { writeFileSync } from 'node:fs';
import { root } from './setup.mjs';

const { manPage } = await import(`${root}/dist/bin/man-page.js`);
writeFileSync(`${root}/dist/wag-snap.1`, await manPage());
