/** `wag-snap nodes`: lists the nodes of the lattice. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';
import { nodeTable } from '../show/lattice.js';

interface Options extends LatticeOptions {
  all: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'nodes',
  describe: 'List the nodes of the lattice',
  builder: (yargs) =>
    yargs
      .options(latticeOptions)
      .option('all', {
        type: 'boolean',
        default: false,
        describe: 'also nodes that have gone for more than an hour and have no job',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array' })
      .example([
        ['$0 nodes', 'lists name, state, CPUs, memory, jobs, labels and directories'],
        ['$0 nodes --json', 'prints the same for programs'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const nodes = await lattice.nodes({ all: options.all });
      if (options.json) console.log(terminalJson(nodes));
      else process.stdout.write(nodeTable(nodes));
    }),
};
export default command;
