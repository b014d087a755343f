/** `wag-snap resume`: decides about a workload that a move has left parked. */

import type { CommandModule } from 'yargs';
import { uninterrupted } from '../programs/interruption.js';

interface Options {
  process: string;
  end: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'resume <process>',
  describe: 'Decide about a workload that an unfinished move has left parked',
  builder: (yargs) =>
    yargs
      .positional('process', { type: 'string', demandOption: true, describe: 'the pid or name of a process' })
      .option('end', {
        type: 'boolean',
        default: false,
        describe: 'end the program, as it continues where it was moved to. Without --end it continues here',
      })
      .example([
        ['$0 resume 4711', 'it does not run elsewhere: it continues here'],
        ['$0 resume 4711 --end', 'it runs elsewhere: it ends here'],
      ]) as never,
  handler: async ({ process, end }) => {
    const { endKept, resumeKept } = await import('../../src/api/kept.js');
    await uninterrupted('it is decided', () => (end ? endKept(process) : resumeKept(process)));
  },
};
export default command;
