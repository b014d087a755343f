/** `wag-snap receive`: takes a workload that `wag-snap migrate` sends. */

import type { CommandModule } from 'yargs';
import { ExitCode, ToolError } from '../../src/base/errors.js';
import { parseSize } from '../options/limits.js';
import { once, UsageError } from '../options/usage.js';

interface Options {
  stdio: boolean;
  maxMemory: string | undefined;
  outputDir: string | undefined;
}

const command: CommandModule<object, Options> = {
  command: 'receive',
  describe: 'Take a workload that migrate sends',
  builder: (yargs) =>
    yargs
      .option('stdio', {
        type: 'boolean',
        default: false,
        describe: 'from standard input, answering on standard output: what migrate starts on the other host',
      })
      .option('max-memory', {
        type: 'string',
        requiresArg: true,
        coerce: once('max-memory'),
        describe: 'SIZE[K|M|G]: how much memory what comes may have',
      })
      .option('output-dir', {
        type: 'string',
        requiresArg: true,
        coerce: once('output-dir'),
        describe: 'where programs print to, unless migrate says; default: ~/.local/state/wag-snap/output',
      })
      .example([
        ['$0 receive --stdio', 'what wag-snap migrate starts on the other host, by ssh'],
        ['$0 receive --stdio --max-memory 1G', 'the same, for programs with less memory only'],
      ]) as never,
  handler: async ({ stdio, maxMemory, outputDir }) => {
    if (!stdio) throw new UsageError('from where? --stdio: from standard input');
    const { receive } = await import('../../src/api/receive.js');
    const limit = maxMemory === undefined ? undefined : parseSize('max-memory', maxMemory);
    const { pid, lost } = await receive(process.stdin, process.stdout, { maxMemory: limit, outputDir });
    process.stdin.destroy();
    if (lost !== undefined) throw new ToolError('link', `nothing was started: ${lost}`);
    if (pid === undefined) process.exitCode = ExitCode.failed; // the other side says why
  },
};
export default command;
