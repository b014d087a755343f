/** Memory that comes while its program runs: in the process, at its receiver, and both halves of a lazy move. */

import type { Area } from '../mutant.js';

const PROCESS = ['test/unit/runtime/process/lazy-pages.test.ts'];
const OWING = ['test/unit/transport/owing.test.ts'];

export const lazy: Area = {
  name: 'lazy',
  files: [
    {
      file: 'src/runtime/process/lazy-pages.ts',
      tests: PROCESS,
      slow: true,
      changes: [
        ['if (isOpen(extentUnit + index)) return LAZY_NOT_OURS;', ''],
        ['index & ~(width - 1)', 'index'],
        ['min<i64>(from + width, extentLength)', 'from + width'],
        ['if (!awaitUnit(extentUnit + i)) return lose();', 'awaitUnit(extentUnit + i);'],
        ['if (width >= extentLength) return lose();', 'if (width > 0) return lose();'],
        ['if (isThere(unit) && !isOpen(unit)) openRun(i, i + 1);', 'if (!isOpen(unit)) openRun(i, i + 1);'],
        ['if (left > 0) return;', ''],
        ['setWord(RT_LAZY, 0);', ''],
        ['while (from > first && canOpen(from - 1)) from--;', ''],
        ['while (to < end && canOpen(to)) to++;', ''],
        ['if ((load64(at) & bit) === 0) left--;', 'left--;'],
        ['isThere(extentUnit + index) && !isOpen(extentUnit + index)', 'isThere(extentUnit + index)'],
        ['if (!isAsked && !ask(unit)) return isThere(unit);', 'if (!isAsked && !ask(unit)) return false;'],
        ['isAsked = true;', ''],
        ['count !== 1 && count !== EINTR', 'count !== 1'],
        [
          'if (count !== 1 && count !== EINTR) return isThere(unit);',
          'if (count !== 1 && count !== EINTR) return false;',
        ],
        ['while (sent === EINTR) sent =', 'sent ='],
        ['return sent === LAZY_REQUEST_SIZE;', 'return true;'],
        ['if (address < extentAddress) high = middle;', 'if (address <= extentAddress) high = middle;'],
        ['low = middle + 1;', 'return false;'],
        [
          'syscall(SYS_mprotect, address, bytes, PROT_NONE, 0, 0, 0)',
          'syscall(SYS_mprotect, address, bytes, PROT_READ, 0, 0, 0)',
        ],
        ['if (failed(list) || failed(opened)) return', 'if (failed(opened)) return'],
      ],
    },
    {
      file: 'src/restore/lazy-pages.ts',
      tests: ['test/unit/restore/lazy-pages.test.ts'],
      changes: [
        ['Math.ceil(fileSize / LAZY_UNIT / 8)', 'Math.floor(fileSize / LAZY_UNIT / 8)'],
        ['this.bits[i] = ~byte;', 'this.bits[i] = byte;'],
        ['rest !== 0; rest &= rest - 1) this.left++', 'rest !== 0; rest = 0) this.left++'],
        ['if (this.wanted !== undefined && !this.isThere(this.wanted)) onWant(this.wanted);', ''],
        ['if (this.isThere(unit)) continue;', ''],
        ['this.left--;', ''],
        ['((end - 1) >> 3) + 1', '((end - 1) >> 3)'],
        [
          'this.wanted !== undefined && this.isThere(this.wanted)) this.answer()',
          'this.wanted !== undefined) this.answer()',
        ],
        ['if (this.isClosed) return;', ''],
        ['this.wanted !== undefined || unit', 'unit'],
        ['this.wanted = undefined;', ''],
        ['rest = Buffer.concat([rest, data]);', 'rest = data;'],
      ],
    },
    {
      file: 'src/api/lazy-restore.ts',
      tests: ['test/unit/restore/removed-files.test.ts'],
      changes: [['    this.files.openAll(); // they are read long after somebody may have removed them\n', '']],
    },
    {
      file: 'src/transport/owing.ts',
      tests: OWING,
      changes: [
        [
          'await Promise.race([this.sendAll().catch(unlessGone), listening]);\n    await listening;',
          'await Promise.race([this.sendAll().catch(unlessGone), listening]);',
        ],
        ['this.sendAll().catch(unlessGone)', 'this.sendAll()'],
        ['if (!(error instanceof LinkError)) throw error;', ''],
        ['this.isWhole = true;', ''],
        ['this.waited.add(unit);', ''],
        ['let ahead = AHEAD; ahead >= 0', 'let ahead = 0; ahead >= 0'],
        ['this.urgent.unshift(unit + ahead)', 'this.urgent.push(unit + ahead)'],
        ['if (this.isMissing(unit)) await this.send(unit);', 'await this.send(unit);'],
        ['if (!this.waited.has(unit)) await', 'await'],
        ["await channel.send({ name: 'arrived', unit, count: 1 });\n    this.left--;", 'this.left--;', { slow: true }],
        ['this.left * LAZY_UNIT, bytes', 'this.left, bytes'],
        ["} else if (message.name === 'failed') throw new RemoteError(message);", '}'],
      ],
      equivalent: [
        [
          'if (!this.isMissing(unit) || this.waited.has(unit)) return;',
          'if (!this.isMissing(unit)) return;',
          'what is sent already is left out later; only what a hostile target makes it remember grows',
        ],
      ],
    },
    { file: 'src/transport/smaller.ts', tests: OWING, changes: [['if (codec === undefined) return piece;', '']] },
    {
      file: 'src/transport/arriving.ts',
      tests: OWING,
      changes: [
        ['if (message === undefined) return;', 'if (message === undefined) throw new InputError("stream", "");'],
        ["await channel.send({ name: 'whole', pid }).catch(() => {});", ''],
        ['.catch(() => {}); // so it is', '; // so it is'],
        ['!(error instanceof LinkError) || !pages.hasEnded()', '!(error instanceof LinkError)'],
        ['!(error instanceof LinkError) || !pages.hasEnded()', '!pages.hasEnded()'],
        ['    pages.close();\n', ''],
        ['while (pages.left > 0) {', 'while (pages.left > 1) {'],
      ],
    },
    {
      file: 'src/capture/left-pages.ts',
      tests: ['test/unit/capture/left-pages.test.ts'],
      changes: [
        ['pages.leave(rest);', ''],
        ['found.sort((a, b) => b.age - a.age);', ''],
        ['native.address + page * WASM_PAGE', 'native.address'],
        ['if ((blocks & (1 << n)) === 0) continue;', ''],
        ['while ((blocks & (1 << (n + 1))) !== 0) n++;', ''],
        ['ages[page] >= since && (rest[page] ?? 0) !== 0', 'ages[page] >= since'],
        ['ages[page] >= since && (rest', 'ages[page] > since && (rest'],
        ['pages.sort((a, b) => b.age - a.age);', ''],
        ['Math.floor(bytes / WASM_PAGE)', 'Math.ceil(bytes / WASM_PAGE)'],
        ['memories[memory].rest[page] = 0;', ''],
      ],
    },
    {
      file: 'src/restore/lazy-layout.ts',
      tests: ['test/unit/restore/lazy-layout.test.ts'],
      changes: [
        ['fileOffset / LAZY_UNIT + i, {', 'fileOffset / LAZY_UNIT, {'],
        ['page: first + i', 'page: first'],
        ['kept.push(used);', ''],
        ['bits[unit >> 3] |= 1 << (unit & 7)', 'bits[unit >> 3] = 1 << (unit & 7)'],
        ['if (n > first) await', 'await'],
        ['(n - first) * BLOCK, target, first * BLOCK', '(n - first) * BLOCK, target, 0'],
      ],
    },
  ],
};
