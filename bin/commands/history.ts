/** `wag-snap history`: what has happened to a job. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';
import { historyTable } from '../show/lattice.js';

interface Options extends LatticeOptions {
  job: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'history <job>',
  describe: 'Print what has happened to a job of the lattice',
  builder: (yargs) =>
    yargs
      .positional('job', { type: 'string', describe: 'the name of the job' })
      .options(latticeOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array' })
      .example([
        ['$0 history counter', 'lists when which node has taken it, and why'],
        ['$0 history counter --json', 'prints the same for programs'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const job = await lattice.job(options.job);
      if (options.json) console.log(terminalJson(job.history));
      else process.stdout.write(historyTable(job));
    }),
};
export default command;
