/** Tracking: which pages a process has written, what is copied in which round, and what it remembers of a capture. */

import type { Area } from '../mutant.js';

const SESSIONS = ['test/unit/capture/written-pages.test.ts'];
const GROWTH = ['test/unit/capture/tracked-growth.test.ts'];
const CHAINS = ['test/unit/capture/incremental.test.ts'];

export const tracking: Area = {
  name: 'tracking',
  files: [
    {
      file: 'src/capture/written-pages.ts',
      tests: SESSIONS,
      slow: true,
      changes: [
        ['const next = Math.max(reached, found);', 'const next = sliceEnd;'],
        ['const next = Math.max(reached, found);', 'const next = reached + BLOCK;'],
        ['Math.min(16 - first, to - from)', 'Math.min(15 - first, to - from)'],
        ['((1 << count) - 1) << first', '((1 << count) - 1)'],
        ['(to - address) / BLOCK)', '(to - address) / BLOCK - 1)'],
        ['address + pages * WASM_PAGE;', 'address + (pages - 1) * WASM_PAGE;'],
        ["['T', 't', 'Z', 'X'].includes(state)", "['Z', 'X'].includes(state)"],
        ['before.every((byte) => byte === 0)', 'false'],
      ],
      equivalent: [
        [
          "if (result === TRACK_STALE) throw new TrackingLost('another tool has begun a session');",
          '',
          'it is an error number, too: only the text of the trace is another one',
        ],
      ],
    },
    {
      file: 'src/runtime/process/protect.ts',
      tests: SESSIONS,
      slow: true,
      changes: [
        ['if (isOwnerDead()) endProtect();\n  else liftTargets();', 'if (isOwnerDead()) endProtect();'],
        ['setWritten(number, true);', ''],
        ['setWritten(first + block, false);', ''],
        ['store<u64>(WRITTEN + at, ALL_WRITTEN)', 'store<u64>(WRITTEN + at, 0)'],
        ['blockEnd > covered || ', '', { tests: GROWTH }],
        ['if (min(at, last) > covered) store', 'if (at < 0) store'],
        ['if (protectFrom !== 0 && !protectRange(protectFrom, min(at, last)))', 'if (false)'],
        ['base + ((block + 1) << shift)', 'base + ((block + 2) << shift)'],
        ['start + ((<i64>1) << shift)', 'start + ((<i64>2) << shift)'],
        ['if (length > 0) liftAt(address + length - 1);', '', { tests: GROWTH }],
        ['if (rowCount > 0 && fits()) return 1;', 'if (rowCount > 0) return 1;', { tests: GROWTH }],
        ['(limit !== 0 && found >= limit) || ', ''],
      ],
      equivalent: [
        [
          'if (owner === ESRCH) return true;',
          '',
          'kill says the same, unless another process has got the pid meanwhile',
        ],
      ],
    },
    {
      file: 'src/runtime/process/tracking.ts',
      tests: SESSIONS,
      slow: true,
      changes: [
        ['  liftTargets();\n', '  '],
        ['!== load32_u(record() + TK_SESSION)) return TRACK_STALE', '!== 0 && false) return TRACK_STALE'],
        ['copyId(since, record() + TK_BEFORE);\n  copyId(0, since);', 'copyId(since, record() + TK_BEFORE);'],
        [
          '// What was written is about to be forgotten here: only a whole snapshot may be what is differed from.\n    copyId(0, record() + TK_SINCE);',
          '',
        ],
        ['copyId(0, record() + TK_BEFORE); // the other way', '// the other way'],
        ['if (wanted === TRACK_PROTECT && result === 0) copyId(0, record() + TK_BEFORE);', '', { tests: GROWTH }],
        ['if (way !== TRACK_PROTECT) return unregisterMemories();', 'if (way !== TRACK_PROTECT) return 0;'],
        ['copyId(request + RQ_ID, record() + TK_SINCE);', ''],
        ['threadHalf(TH_STATE) === STATE_PARKED ? 0 : TRACK_PAGES', '0'],
        ['threadHalf(TH_STATE) === STATE_PARKED ? 0 : TRACK_PAGES', 'TRACK_PAGES'],
        ['if (number === performed) return TRACK_STALE;', ''],
        ['if (load64(request + check) !== checkOf(request, check)) return;', ''],
      ],
    },
    {
      file: 'src/runtime/process/userfault.ts',
      tests: SESSIONS,
      slow: true,
      changes: [
        ['PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC', 'PM_SCAN_CHECK_WPASYNC'],
        ['store<i64>(SCAN, pages, SCAN_PAGES_MAX);', 'store<i64>(SCAN, 0, SCAN_PAGES_MAX);'],
        ['PAGE_IS_PRESENT | PAGE_IS_SWAPPED', 'PAGE_IS_SWAPPED'],
        ['reservation(record)', '65536'],
      ],
    },
    {
      file: 'src/capture/absent-pages.ts',
      tests: ['test/migrate/tracking.test.ts'],
      only: 'what nobody has used',
      slow: true,
      changes: [['process.memory.read(address + at,', 'process.memory.read(address,']],
    },
    {
      file: 'src/capture/process-memory.ts',
      tests: ['test/unit/capture/process-memory.test.ts'],
      changes: [
        ["code !== 'EIO' || this.isMapped(address + done)", "code !== 'EIO'"],
        ["code !== 'EIO' || this.isMapped(address + done)", 'true'],
        ['      return true;\n    }\n  }\n\n  /** Like read', '      return false;\n    }\n  }\n\n  /** Like read'],
        ['address >= start && address < end', 'false'],
      ],
    },
    {
      file: 'src/capture/held-pages.ts',
      tests: ['test/unit/capture/held-pages.test.ts'],
      changes: [
        ['& ((1 << (block & 15)) - 1)', ''],
        ['this.before[page] = count;', ''],
        ['if (first >= 0) copyRun(first, blocks.length * BLOCKS_PER_PAGE);', ''],
        ['if (blocks[page] === 0 && first < 0) continue;', 'if (blocks[page] === 0) continue;'],
        ['Math.min(PIECE, end * BLOCK - at)', 'end * BLOCK - at'],
      ],
    },
    {
      file: 'src/capture/pre-copy.ts',
      tests: ['test/migrate/tracking.test.ts'],
      slow: true,
      changes: [
        ['if (!this.lost) await this.findWritten(true);', ''],
        ['for (const { pages, copy } of held) await pages.take(copy, this.options.onBytes);', ''],
        ['written[page] |= memory.rest[page];', ''],
        ['memory.rest = written;\n      await', 'await'],
        [
          'const written = await this.pages.scan(memory.native);\n      if',
          'const written = new Uint16Array(0);\n      if',
        ],
      ],
    },
    {
      file: 'src/capture/pre-copy.ts',
      tests: CHAINS,
      slow: true,
      changes: [
        ['if (this.isContinued) memory.rest = written;', ''],
        ['if (!this.isContinued) return this.takeTouched();', 'return this.takeTouched();'],
        ['since !== undefined && since === options.parent', 'since !== undefined'],
        ['since !== undefined && since === options.parent', 'true'],
        ['pages.inherit(native.pages);', ''],
        ['memory.native = now[i];', '', { tests: GROWTH }],
        ['this.memories[i].native = native;', '', { tests: GROWTH }],
        ["await this.pages.keep(Buffer.from(digest, 'hex'));", ''],
      ],
      equivalent: [
        ['pages.inherit(0);', '', 'all that was ever touched is taken then, and the parent has nothing else'],
        [
          'if (this.lost) return;\n    try {\n      await this.pages.keep',
          'try {\n      await this.pages.keep',
          'another session refuses; a process that has only not answered in time has seen all writes since the copy',
        ],
      ],
    },
  ],
};
