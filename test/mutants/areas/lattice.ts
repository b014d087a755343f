/** Jobs on many hosts: what is not in the protocol, which test/model has mutants of its own for. */

import type { Area } from '../mutant.js';

const VIEW = ['test/unit/api/lattice-view.test.ts'];
const ARRIVALS = ['test/unit/api/node-arrivals.test.ts'];
const PROTOCOL = ['test/unit/lattice/protocol.test.ts'];
const MANY = ['test/unit/lattice/many-nodes.test.ts'];
const WATCH = ['test/unit/lattice/record-watch.test.ts'];
const PLACEMENT = ['test/unit/lattice/placement.test.ts'];
const FORGET = ['test/unit/api/lattice-forget.test.ts'];

export const lattice: Area = {
  name: 'lattice',
  files: [
    {
      file: 'src/api/lattice-view.ts',
      tests: VIEW,
      changes: [
        ['lease * timingOf(lease).margin', 'lease'],
        ['silent >= LISTED', 'silent > LISTED'],
        [' && load.jobs === 0', ''],
        ['!all && fenced', 'fenced'],
      ],
    },
    {
      file: 'src/api/node-arrivals.ts',
      tests: ARRIVALS,
      slow: true,
      changes: [
        ['job.holder?.node !== sender', 'false'],
        ['if (isDecided) return; // the source', '// the source'],
        ['checkSeal(trust, seal, what);', ''],
        ['checkSubject(trust, seal, ', 'checkSubject({}, seal, '],
      ],
    },
    {
      file: 'src/transport/decided-move.ts',
      tests: ARRIVALS,
      slow: true,
      changes: [["(await decide(lost)) === 'here'", "(await decide(lost)) === 'there'"]],
    },
    {
      file: 'src/lattice/membership.ts',
      tests: MANY,
      changes: [['record.incarnation !== incarnation ||', 'true ||']],
    },
    {
      file: 'src/lattice/placement.ts',
      tests: PLACEMENT,
      changes: [
        ['?.find((one) => one !== job)', '?.[0]'],
        ['!Object.hasOwn(offer.listen, name)', 'offer.listen[name] === undefined'],
        ['if (sent.some(', 'if (false && sent.some('],
      ],
    },
    {
      file: 'src/lattice/holdings.ts',
      tests: MANY,
      changes: [['this.expected.add(record.name);', '']],
    },
    {
      file: 'src/lattice/jobs.ts',
      tests: MANY,
      changes: [['if (change.holder?.node === node.name) node.holdings.expect(next);', '']],
    },
    {
      file: 'src/lattice/jobs.ts',
      tests: PROTOCOL,
      changes: [
        [
          'program.uncaptured !== undefined && program.uncaptured !== record.uncaptured',
          'program.uncaptured !== undefined',
        ],
        ['return write?.({ snapshot, uncaptured: null });', 'return write?.({ snapshot });'],
      ],
    },
    {
      file: 'src/lattice/records.ts',
      tests: PROTOCOL,
      changes: [["before.at(-1)?.what === 'not-captured'", 'false']],
    },
    {
      file: 'src/api/job-stores.ts',
      tests: ['test/unit/api/job-stores.test.ts'],
      changes: [
        ['.filter((one) => tagNumber(one) > 0)', ''],
        ['return join(this.folder, job);', 'return this.folder;'],
        ['if (isStore(path)) {', 'if (false) {'],
      ],
    },
    {
      file: 'src/api/node-runner.ts',
      tests: ['test/unit/api/node-runner.test.ts'],
      changes: [
        ['if (this.isLost(move.to)) return this.notGivenAway(name, move.id, lost(move.to));', ''],
        ['move.to?.node === node.name && endsLife(node, move.to)', 'endsLife(node, move.to!)'],
      ],
    },
    {
      file: 'src/lattice/record-watch.ts',
      tests: WATCH,
      changes: [
        ['this.silentLooks > SILENT_LOOKS', 'this.silentLooks > 99'],
        ['this.silentLooks > SILENT_LOOKS', 'this.silentLooks >= SILENT_LOOKS'],
        ['if (revision > this.seen) this.awaited', 'this.awaited'],
        ['this.awaited <= this.seen', 'this.awaited === this.seen'],
        ['this.awaited === undefined ? 0 : this.silentLooks + 1', 'this.silentLooks + 1'],
        ["if (type === 'disconnect') this.onStatus(false);", ''],
        ["if (type !== 'reconnect') continue;", 'continue;'],
        ["if (operation !== 'PUT') {", 'if (false) {'],
        ['    clearInterval(this.timer);', ''],
      ],
    },
    {
      file: 'src/api/lattice-forget.ts',
      tests: FORGET,
      changes: [
        ['if (!fenced || ', 'if ('],
        ['(silence.get(name) ?? 0) < 2 * lease', 'false'],
        ['holder?.node === name && end === null', 'holder?.node === name'],
        ['if (held.length > 0)', 'if (false)'],
        ['for (const job of found) refuseAlive(job);', ''],
        ['if (found.record.end === null) return false;', ''],
        ['(ages.get(name) ?? 0) < age', 'false'],
        [
          'if (!(await server.removeNode(name, found.revision)))',
          'await server.removeNode(name, found.revision); if (false)',
        ],
      ],
    },
  ],
};
