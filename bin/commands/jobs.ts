/** `wag-snap jobs`: lists the jobs of the lattice, and says of those that wait what keeps them from each node. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';
import { jobTable, problemLines } from '../show/lattice.js';

interface Options extends LatticeOptions {
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'jobs',
  describe: 'List the jobs of the lattice',
  builder: (yargs) =>
    yargs
      .options(latticeOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array' })
      .example([
        ['$0 jobs', 'lists name, state, node and last snapshot; says why a job waits, node by node'],
        ['$0 jobs --json', 'prints the same for programs'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const jobs = await lattice.jobs();
      if (options.json) return console.log(terminalJson(jobs));
      process.stdout.write(jobTable(jobs));
      for (const job of jobs) process.stderr.write(problemLines(job));
    }),
};
export default command;
