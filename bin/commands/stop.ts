/** `wag-snap stop`: ends a job of the lattice. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';
import { waitForEnd, waitOption } from '../programs/lattice-wait.js';

interface Options extends LatticeOptions {
  job: string;
  wait: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'stop <job>',
  describe: 'Stop a job of the lattice, and its replicas',
  builder: (yargs) =>
    yargs
      .positional('job', { type: 'string', describe: 'the name of the job' })
      .options(latticeOptions)
      .option('wait', waitOption)
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array of the names' })
      .example([
        ['$0 stop counter', 'its program ends; wag-snap jobs says when it has'],
        ['$0 stop counter-2 --wait', 'stops one of its replicas, and returns when it has ended'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const names = await lattice.stop(options.job);
      if (options.wait) await waitForEnd(lattice, names);
      if (options.json) console.log(terminalJson(names));
      else for (const name of names) console.log(name);
    }),
};
export default command;
