/** `wag-snap scale`: starts or stops replicas of a job of the lattice. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { UsageError } from '../options/usage.js';
import { withLattice } from '../programs/lattice.js';

interface Options extends LatticeOptions {
  job: string;
  count: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'scale <job> <count>',
  describe: 'Start or stop replicas of a job of the lattice',
  builder: (yargs) =>
    yargs
      .positional('job', { type: 'string', describe: 'the name of the job' })
      .positional('count', { type: 'string', describe: 'how many of it run then' })
      .options(latticeOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array of the names' })
      .example([
        ['$0 scale counter 3', 'counter, counter-2 and counter-3 run then'],
        ['$0 scale counter 0', 'none of them runs then'],
      ]) as never,
  handler: async (options) => {
    if (!/^\d{1,4}$/.test(options.count)) throw new UsageError(`scale ${options.count}: expected a number of replicas`);
    await withLattice(options, async (lattice) => {
      const names = await lattice.scale(options.job, Number(options.count));
      if (options.json) console.log(terminalJson(names));
      else for (const name of names) console.log(name);
    });
  },
};
export default command;
