/** `wag-snap logs`: what a job of the lattice has printed, on whichever nodes. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { Interruption } from '../programs/interruption.js';
import { withLattice } from '../programs/lattice.js';
import { printWarning } from '../show/warning.js';

interface Options extends LatticeOptions {
  job: string;
  follow: boolean;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'logs <job>',
  describe: 'Print what a job of the lattice has printed',
  builder: (yargs) =>
    yargs
      .positional('job', { type: 'string', describe: 'the name of the job' })
      .option('follow', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'continue until the job is over',
      })
      .options(latticeOptions)
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'print a JSON object for each piece: node, fence, number, stream, text',
      })
      .example([
        ['$0 logs -f counter', 'its standard output here on standard output, its errors on standard error'],
        ['$0 logs counter --json', 'says of each piece which node has printed it'],
      ]) as never,
  handler: (options) =>
    withLattice(options, async (lattice) => {
      const interruption = new Interruption('');
      try {
        const { follow } = options;
        let isFirst = true;
        for await (const piece of lattice.logs(options.job, { follow, signal: interruption.abortSignal })) {
          const { node, fence, number, stream, data } = piece;
          if (isFirst && number > 1)
            printWarning(`the beginning is not kept any more: ${number - 1} pieces of run ${fence}`);
          isFirst = false;
          if (options.json) {
            console.log(terminalJson({ node, fence, number, stream, text: Buffer.from(data).toString('utf8') }));
          } else {
            process[stream].write(data);
          }
        }
      } finally {
        interruption.stop();
      }
    }),
};
export default command;
