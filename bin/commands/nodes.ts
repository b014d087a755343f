/** `wag-snap nodes`: lists the nodes of the lattice. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { once } from '../options/usage.js';
import { withLattice } from '../programs/lattice.js';
import { nodeTable } from '../show/lattice.js';

interface Options extends LatticeOptions {
  all: boolean;
  forget: string | undefined;
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
      .option('forget', {
        type: 'string',
        requiresArg: true,
        coerce: once('forget'),
        describe: 'NODE: removes what is known of a node that has gone for good',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array' })
      .example([
        ['$0 nodes', 'lists name, state, CPUs, memory, jobs, labels and directories'],
        ['$0 nodes --json', 'prints the same for programs'],
        ['$0 nodes --forget b', 'b is not listed any more, not even with --all'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      if (options.forget !== undefined) return lattice.forget(options.forget);
      const nodes = await lattice.nodes({ all: options.all });
      if (options.json) console.log(terminalJson(nodes));
      else process.stdout.write(nodeTable(nodes));
    }),
};
export default command;
