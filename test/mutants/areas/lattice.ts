/** Jobs on many hosts: what is not in the protocol, which test/model has mutants of its own for. */

import type { Area } from '../mutant.js';

const VIEW = ['test/unit/api/lattice-view.test.ts'];
const ARRIVALS = ['test/unit/api/node-arrivals.test.ts'];
const MANY = ['test/unit/lattice/many-nodes.test.ts'];

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
        ['this.node.holderOf(move.job)?.node !== sender', 'false'],
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
      file: 'src/lattice/holdings.ts',
      tests: MANY,
      changes: [['this.expected.add(record.name);', '']],
    },
    {
      file: 'src/lattice/jobs.ts',
      tests: MANY,
      changes: [['if (change.holder?.node === node.name) node.holdings.expect(next);', '']],
    },
  ],
};
