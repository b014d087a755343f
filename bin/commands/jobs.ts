/** `wag-snap jobs`: lists the jobs of the lattice, and says of those that wait what keeps them from each node. */

import type { CommandModule } from 'yargs';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type LatticeOptions, latticeOptions } from '../options/lattice.js';
import { AGE, parseAge } from '../options/limits.js';
import { once, UsageError } from '../options/usage.js';
import { withLattice } from '../programs/lattice.js';
import { jobTable, problemLines } from '../show/lattice.js';

interface Options extends LatticeOptions {
  all: boolean;
  forget: string | undefined;
  forgetEnded: string | undefined;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'jobs',
  describe: 'List the jobs of the lattice',
  builder: (yargs) =>
    yargs
      .options(latticeOptions)
      .option('all', { type: 'boolean', default: false, describe: 'also jobs that have ended more than an hour ago' })
      .option('forget', {
        type: 'string',
        requiresArg: true,
        coerce: once('forget'),
        describe: 'JOB: removes a job that has ended, and its replicas, with what they have printed',
      })
      .option('forget-ended', {
        type: 'string',
        requiresArg: true,
        coerce: once('forget-ended'),
        describe: `${AGE}: removes all jobs that have ended so long ago`,
      })
      .option('json', { type: 'boolean', default: false, describe: 'print a JSON array' })
      .example([
        ['$0 jobs', 'lists name, state, node and last snapshot; says why a job waits, node by node'],
        ['$0 jobs --json', 'prints the same for programs'],
        ['$0 jobs --forget counter', 'counter, which has ended, is not there any more, nor what it has printed'],
      ]) as never,
  handler: async (options) => {
    const { all, forget, forgetEnded } = options;
    if (forget !== undefined && forgetEnded !== undefined) {
      throw new UsageError('--forget and --forget-ended exclude each other');
    }
    const age = forgetEnded === undefined ? undefined : parseAge('forget-ended', forgetEnded);
    await withLattice(options, async (lattice) => {
      if (forget !== undefined || age !== undefined) {
        const names = await (forget === undefined ? lattice.forgetEnded(age!) : lattice.forgetJob(forget));
        if (options.json) console.log(terminalJson(names));
        else for (const name of names) console.log(name);
        return;
      }
      const jobs = await lattice.jobs({ all });
      if (options.json) return console.log(terminalJson(jobs));
      process.stdout.write(jobTable(jobs));
      for (const job of jobs) process.stderr.write(problemLines(job));
    });
  },
};
export default command;
