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
        ['if (this.offsets[defined] >= 0) return;', '', IMAGE],
        ['this.likely.takeCallee(known)', 'this.likely.takeCallee(0)', IMAGE],
        ['this.likely.called(defined);', '', IMAGE],
        ['this.offsets[defined] >= 0 ? this.offsets[defined] :', '', IMAGE],
        ['masm.align(this.pageSize);\n    if', 'if'],
        ['this.pageSize / 8', '512', IMAGE],
        ['if (start > codeLimit / 2) return false;', '', IMAGE],
        ['this.rows += added.length;', ''],
        ['while (this.offsets[this.next] >= 0) this.next++;', '', { ...IMAGE, slow: true }],
        ['this.writeHead(LOG_COMPLETE);', ''],
        ['done <= bytes', 'true', IMAGE],
        ['data.relocations.push(this.cells + 8 * i);', ''],
        ['module.tags.length === 0', 'true', { tests: ['test/growing/programs.test.ts'], slow: true }],
      ],
    },
    {
      file: 'src/compile/link/likely-functions.ts',
      ...IMAGE,
      changes: [
        ['[jumps, calls]', '[jumps]'],
        ['let i = list.length - 1; i > 0; i -= 2', 'let i = 1; i < list.length; i += 2'],
        ['this.near = defined + 1;', 'this.near = 0;'],
        ['this.callees.length > known', 'this.callees.length > 0'],
        ['if (this.isShortAndMissing(defined)) return defined;', 'return defined;'],
        ['if (!this.isShortAndMissing(defined)) continue;', ''],
        ['this.nearBytes -= this.bytesOf(defined);', ''],
        [' && this.bytesOf(defined) <= SHORT_BODY', ''],
      ],
    },
    {
      file: 'src/api/growing-program.ts',
      tests: LIBRARY,
      changes: [
        ["child.once('exit', () => this.close());", ''],
        ['.finally(() => this.cache.close())', '', { tests: LIBRARY, slow: true }],
        ['if (this.child !== undefined || !this.isOpen) return;', 'return;'],
        ['    this.failure = this.asCompiler() ?? error;\n', ''],
        ["this.child?.kill('SIGKILL');", '', { tests: LIBRARY, slow: true }],
        ['if (error instanceof ToolError) trace', 'if (false) trace', DISK],
        ['if (this.failure !== undefined) throw this.failure;', '', COMMAND],
      ],
    },
  ],
};
