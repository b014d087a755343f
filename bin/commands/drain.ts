/** `wag-snap drain`: lets everything that a node has continue elsewhere. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';

interface Options extends LatticeOptions {
  node: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'drain <node>',
  describe: 'Let all jobs of a node continue on other nodes',
  builder: (yargs) =>
    yargs
      .positional('node', { type: 'string', describe: 'the name of the node' })
      .options(latticeOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 drain node-a', 'asks for it; node-a takes no jobs until wag-snap cordon node-a --off'],
        ['$0 drain node-a --json', 'the same, for programs'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      await lattice.drain(options.node);
      console.log(
        options.json ? terminalJson({ node: options.node, state: 'draining' }) : `${options.node} is being drained`,
      );
    }),
};
export default command;
