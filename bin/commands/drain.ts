/** `wag-snap drain`: lets everything that a node has continue elsewhere. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';
import { waitForDrain, waitOption } from '../programs/lattice-wait.js';

interface Options extends LatticeOptions {
  node: string;
  wait: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'drain <node>',
  describe: 'Let all jobs of a node continue on other nodes',
  builder: (yargs) =>
    yargs
      .positional('node', { type: 'string', describe: 'the name of the node' })
      .options(latticeOptions)
      .option('wait', waitOption)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 drain node-a', 'asks for it; node-a takes no jobs until wag-snap cordon node-a --off'],
        ['$0 drain node-a --wait', 'returns when node-a has no job any more; says which ones cannot leave it'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const { node, wait } = options;
      await lattice.drain(node);
      if (wait) await waitForDrain(lattice, node);
      if (options.json) console.log(terminalJson({ node, state: wait ? 'drained' : 'draining' }));
      else console.log(wait ? `${node} is drained` : `${node} is being drained`);
    }),
};
export default command;
