/** Moves between hosts: what is looked at before. */

import type { Area } from '../mutant.js';

const FRAME_SOURCES = ['test/unit/transport/frame-sources.test.ts'];
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
    {
      file: 'src/transport/frame-slots.ts',
      tests: FRAME_SOURCES,
      changes: [
        ['const SLOTS = 4;', 'const SLOTS = 2;'],
        ['bytes.copy(this.slots[this.slot], 0, this.begin, this.end);', ''],
        ['if (next > this.end) break;', ''],
        ['frame === undefined && this.failure !== undefined', 'this.failure !== undefined'],
        ['this.failure = error;', '', { slow: true }],
      ],
    },
    {
      file: 'src/transport/socket-frames.ts',
      tests: FRAME_SOURCES,
      changes: [
        ['return this.slots.wantsMore;', 'return true;'],
        ['if (this.slots.wantsMore) this.socket.resume();', '', { slow: true }],
        ['this.isOver = true;\n', '', { slow: true }],
      ],
    },
    {
      file: 'src/transport/frame-reader.ts',
      tests: [...FRAME_SOURCES, ...['messages', 'last-words'].map((name) => `test/unit/transport/${name}.test.ts`)],
      changes: [
        ['this.rest = this.rest.subarray(count);', 'this.rest = NOTHING;', { slow: true }],
        ['      if (this.isOver) return undefined;\n      await new', '      await new', { slow: true }],
        ['this.isOver = stream.destroyed || stream.readableEnded;', 'this.isOver = false;', { slow: true }],
        ["stream.on('readable', () => this.wake());", '', { slow: true }],
      ],
    },
    {
      file: 'src/transport/frames.ts',
      tests: ['messages', 'frame-writer', 'last-words'].map((name) => `test/unit/transport/${name}.test.ts`),
      changes: [
        ['if (length <= FRAME_MAX) return length;', 'return length;'],
        ['this.isSocket ? parts : parts.map((part) => Buffer.from(part))', 'parts'],
        ['if (error) reject(REFUSED', 'if (false) reject(REFUSED'],
        ['new Unwritten() : error', 'new Unwritten() : new Unwritten()'],
        ['REFUSED.has((error as NodeJS.ErrnoException).code) ?', 'false ?'],
        ['this.closed.signal.aborted || this.stream.destroyed', 'this.closed.signal.aborted'],
      ],
    },
    {
      file: 'src/transport/arriving.ts',
      tests: ['test/unit/transport/owing.test.ts'],
      changes: [
        ['if (!pages.isMissing(message.offset, length)) throw', 'if (false) throw'],
        ["message.name === 'bytes' ? message.data.length : message.length", 'message.data.length'],
      ],
    },
    {
      file: 'src/restore/lazy-pages.ts',
      tests: ['test/unit/restore/lazy-pages.test.ts'],
      changes: [
        ['if (last >= this.bits.length * 8) return false;', ''],
        ['Math.max(offset, offset + length - 1)', '(offset + length)'],
        ['unit <= last; unit++', 'unit < last; unit++'],
      ],
    },
    {
      file: 'src/transport/file-sender.ts',
      tests: ['test/unit/transport/file-sender.test.ts'],
      changes: [
        ['count++ % (depth + 1)', 'count++ % depth'],
        ['if (waiting.length > depth) await waiting.shift();', ''],
      ],
    },
    {
      file: 'src/transport/piece-sender.ts',
      tests: ['test/unit/transport/file-sender.test.ts', 'test/unit/transport/rounds.test.ts'],
      changes: [
        ['await before;\n', '\n'],
        ['offset: offset + at', 'offset'],
        ['await limit.take(length, signal);', ''],
      ],
    },
    {
      file: 'src/transport/fixed-pause.ts',
      tests: ['test/unit/transport/fixed-pause.test.ts'],
      changes: [
        ['Math.min(this.roundTrip, now - this.askedAt)', 'now - this.askedAt'],
        ['this.isKnown ? now : undefined', 'now'],
        ['ROUND_TRIPS * ', ''],
      ],
    },
    {
      file: 'src/transport/rounds.ts',
      tests: ['test/unit/transport/rounds.test.ts'],
      changes: [
        ['    await received(round);\n', ''],
        ['    this.sent = 0;\n', ''],
        ['    this.wire = 0;\n', ''],
        ['Math.max(this.of, this.sent)', 'this.of'],
      ],
    },
    {
      file: 'src/transport/target.ts',
      tests: ['patience', 'last-words', 'messages'].map((name) => `test/unit/transport/${name}.test.ts`),
      changes: [
        ['if (received.pid !== undefined) await within(', 'if (received.pid === undefined) await within('],
        ["message.name === 'round' && file === 'snapshot'", "message.name === 'round'"],
        ['return before > last;', 'return true;'],
        ['return before > last;', 'return false;'],
        ['() => goesOn() && say()', 'say'],
      ],
    },
    {
      file: 'src/transport/source.ts',
      tests: ['test/unit/transport/patience.test.ts', 'test/unit/transport/protocol.test.ts'],
      changes: [
        ['      this.signsOfLife++;\n', '', { slow: true }],
        ['      await next();\n', '', { slow: true }],
        ['await this.patiently(this.channel.send(message), () => this.hear());', 'await this.channel.send(message);'],
        ["if (answer.name === 'received' && answer.round === round) return", "if (answer.name === 'received') return"],
        ["error.code !== 'process-ended' && ", ''],
        ['!dryRun && ', ''],
        ['(!this.committed || copy === true)', 'true'],
        ['(!this.committed || copy === true)', '!this.committed'],
        ['      this.committed = false;\n', ''],
      ],
    },
  ],
};
