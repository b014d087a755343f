/** Moves between hosts: what is looked at before. */

import type { Area } from '../mutant.js';

const PRE_FLIGHT = ['test/unit/api/pre-flight.test.ts'];

export const moves: Area = {
  name: 'moves',
  files: [
    {
      file: 'src/api/pre-flight.ts',
      tests: PRE_FLIGHT,
      changes: [
        ['[headline, ...details]', '[headline]'],
        ['this.exitCode = errors[0].exitCode;', 'this.exitCode = 1;'],
        ["!(error instanceof WagSnapError) || error.code === 'bug'", '!(error instanceof WagSnapError)'],
        ["!(error instanceof WagSnapError) || error.code === 'bug'", "(error as { code: string }).code === 'bug'"],
        ['this.errors.push(error);', ''],
        ['this.errors.length === 1 ?', 'this.errors.length > 0 ?'],
        ['if (bytes <= room) return;', 'return;'],
        ['const room = bavail * bsize;', 'const room = bavail;'],
        ['available === undefined || bytes <= available', 'true'],
      ],
    },
  ],
};
