/** `wag-snap move`: lets a job of the lattice continue on another node. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { withLattice } from '../programs/lattice.js';
import { waitForMove, waitOption } from '../programs/lattice-wait.js';

interface Options extends LatticeOptions {
  job: string;
  node: string;
  wait: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'move <job> <node>',
  describe: 'Let a job of the lattice continue on another node',
  builder: (yargs) =>
    yargs
      .positional('job', { type: 'string', describe: 'the name of the job' })
      .positional('node', { type: 'string', describe: 'the name of the node' })
      .options(latticeOptions)
      .option('wait', waitOption)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 move counter node-b', 'asks for it; wag-snap jobs says where it runs'],
        ['$0 move counter node-b --wait', 'returns when it is there, or says why it cannot'],
        ['$0 move counter-2 node-a --nats nats://10.0.0.1:4222', 'the same for one of its replicas'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const { job, node, wait } = options;
      await lattice.move(job, node);
      if (wait) await waitForMove(lattice, job, node);
      if (options.json) console.log(terminalJson(wait ? { job, node } : { job, to: node }));
      else console.log(wait ? `${job} is on ${node}` : `${job} shall move to ${node}`);
    }),
};
export default command;
