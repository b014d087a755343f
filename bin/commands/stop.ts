/** `wag-snap stop`: ends a job of the lattice. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';

interface Options extends LatticeOptions {
  job: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'stop <job>',
  describe: 'Stop a job of the lattice, and its replicas',
  builder: (yargs) =>
    yargs
      .positional('job', { type: 'string', describe: 'the name of the job' })
      .options(latticeOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array of the names' })
      .example([
        ['$0 stop counter', 'its program ends; wag-snap jobs says when it has'],
        ['$0 stop counter-2', 'stops one of its replicas'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const names = await lattice.stop(options.job);
      if (options.json) console.log(terminalJson(names));
      else for (const name of names) console.log(name);
    }),
};
export default command;
