/** Programs that begin before they are compiled: what is added to their files, and when. */

import type { Area } from '../mutant.js';

const PROCESSES = ['test/growing/growing.test.ts'];
const LIBRARY = ['test/growing/library.test.ts'];
const IMAGE = { tests: ['test/growing/image.test.ts'] };
const DISK = { tests: ['test/growing/full-disk.test.ts'] };
const COMMAND = { tests: ['test/growing/run.test.ts'] };

export const growing: Area = {
  name: 'growing',
  files: [
    {
      file: 'src/compile/link/growing-image.ts',
      tests: PROCESSES,
      changes: [
        ['if (this.offsets[defined] < 0) this.append', 'this.append', IMAGE],
        ['if (this.offsets[i] >= 0) continue;', '', IMAGE],
        ['this.offsets[defined] >= 0 ? this.offsets[defined] :', '', IMAGE],
        ['masm.align(this.pageSize);\n    if', 'if'],
        ['this.rows += added.length;', ''],
        ['this.next < this.offsets.length && this.offsets[this.next] >= 0', 'false', { ...IMAGE, slow: true }],
        ['this.writeHead(LOG_COMPLETE);', ''],
        ['done <= bytes', 'true'],
        ['data.relocations.push(this.cells + 8 * i);', ''],
        ['module.tags.length === 0', 'true', { tests: ['test/growing/programs.test.ts'] }],
      ],
    },
    {
      file: 'src/api/growing-program.ts',
      tests: LIBRARY,
      changes: [
        ["child.once('exit', () => this.close());", ''],
        ['.finally(() => this.cache.close())', '', { tests: LIBRARY, slow: true }],
        ['if (this.child !== undefined || !this.isOpen) return;', 'return;'],
        ['this.failure = this.asCompiler() ?? error;', ''],
        ["this.child?.kill('SIGKILL');", '', { tests: LIBRARY, slow: true }],
        ['if (error instanceof ToolError) trace', 'if (false) trace', DISK],
        ['if (this.failure !== undefined) throw this.failure;', '', COMMAND],
      ],
    },
  ],
};
