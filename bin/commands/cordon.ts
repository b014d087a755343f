/** `wag-snap cordon`: a node takes no more jobs. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';

interface Options extends LatticeOptions {
  node: string;
  off: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'cordon <node>',
  describe: 'Let a node of the lattice take no more jobs',
  builder: (yargs) =>
    yargs
      .positional('node', { type: 'string', describe: 'the name of the node' })
      .option('off', { type: 'boolean', default: false, describe: 'it takes jobs again' })
      .options(latticeOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 cordon node-a', 'what runs there stays'],
        ['$0 cordon node-a --off', 'it takes jobs again, also after a drain'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const { node, off } = options;
      await lattice.cordon(node, !off);
      const state = off ? 'ready' : 'cordoned';
      console.log(options.json ? terminalJson({ node, state }) : `${node} is ${state}`);
    }),
};
export default command;
