/** Compiling a module while it arrives by a pipe. */

import type { Area } from '../mutant.js';

const COMPILER = ['test/unit/compile/link/early-compiler.test.ts'];
const THREAD = { tests: ['test/growing/early.test.ts'], slow: true };

export const early: Area = {
  name: 'early',
  files: [
    {
      file: 'src/compile/link/early-compiler.ts',
      tests: COMPILER,
      changes: [
        ['isCounted ? InstanceLayout : LayoutBeforeData', 'InstanceLayout', { only: 'where a place depends' }],
        ['{ ...received.module, bytes: module.bytes }', 'received.module', { only: 'where a place depends' }],
        [
          '{ ...step.value, first, end }',
          '{ ...step.value, first: first + 1, end }',
          { only: 'where a place depends' },
        ],
      ],
      equivalent: [
        [
          'if (!isCounted && beginning.tags.length > 0) return null;',
          '',
          'the places of tag records depend on how many segments there are: where they differ, no piece fits',
        ],
      ],
    },
    {
      file: 'src/compile/link/early-pieces.ts',
      tests: COMPILER,
      changes: [
        ['early.target.cpuNeeds === target.cpuNeeds &&', '', { only: 'in another way' }],
        [
          'isDeepStrictEqual(relevant(early.context, target), relevant(context, target))',
          'true',
          { only: 'tail call' },
        ],
        ['isNear: textBytes <= nearText, ', '', { only: 'too large for near calls' }],
        ['hasTables: tableLimits !== undefined', '', { only: 'in another way' }],
        ['bytes, bodyStart, bodyEnd, dataSegments, ', 'bytes, bodyStart, dataSegments, ', THREAD],
      ],
    },
    {
      file: 'src/wasm/arriving-module.ts',
      tests: ['test/unit/wasm/arriving-module.test.ts'],
      changes: [
        ['size.end + size.value > this.bytes.length', 'size.end > this.bytes.length'],
        ['this.isWrong = beginning.bodyStart.length !== count.value;', ''],
        ['2 ** (7 * i)', '2 ** (8 * i)'],
        ['this.at = size.end + size.value;\n      return true;', 'this.at = size.end;\n      return true;'],
        ['bodyStart[this.bodies] = size.end;', 'bodyStart[this.bodies] = this.at;'],
      ],
    },
  ],
};
