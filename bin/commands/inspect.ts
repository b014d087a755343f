/** `wag-snap inspect`: describes a module, an image, a snapshot or a running process. Neither changes nor stops it. */

import type { CommandModule } from 'yargs';
import { describeFile } from '../../src/api/describe.js';
import { attachIfRuns } from '../../src/api/find-process.js';
import { terminalJson } from '../../src/base/terminal-text.js';
import { type ChainOptions, chainOptions, chainPlaces } from '../options/chain.js';
import { notFor } from '../programs/expect-kind.js';
import { type InputFile, OR_PROCESS, withSnapshot } from '../programs/input-file.js';
import { type Description, showDescription } from '../show/describe.js';

interface Options extends ChainOptions {
  subject: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'inspect <subject>',
  describe: 'Say what a module, a component, an image, a snapshot or a process is',
  builder: (yargs) =>
    yargs
      .positional('subject', {
        type: 'string',
        demandOption: true,
        describe: 'a file, the pid or name of a process, or NAME:TAG of a store',
      })
      .options(chainOptions)
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 inspect app.wasm', 'lists imports, exports and sizes'],
        ['$0 inspect job.wsnap --json', 'prints a JSON object for programs'],
      ]) as never,
  handler: async (options) => {
    const { json } = options;
    const description = await describe(options);
    process.stdout.write(json ? `${terminalJson(description.json)}\n` : description.text);
  },
};
export default command;

async function describe(options: Options): Promise<Description> {
  const { subject } = options;
  const process = options.store === undefined ? await attachIfRuns(subject) : undefined;
  if (process === undefined)
    return withSnapshot(
      subject,
      options.store,
      (input) => describeInput(input, options),
      options.store === undefined ? OR_PROCESS : undefined,
    );
  try {
    const { describeProcess } = await import('../../src/api/describe-process.js');
    return showDescription(describeProcess(process));
  } finally {
    process.close();
  }
}

async function describeInput(input: InputFile, options: Options): Promise<Description> {
  const { name, path, kind } = input;
  if (kind === 'other') throw notFor(input, 'inspect', ['module', 'component', 'image', 'snapshot']);
  if (kind === 'snapshot') {
    const [{ openForReading }, { describeSnapshot }] = await Promise.all([
      import('../../src/api/stored-snapshot.js'),
      import('../show/snapshot.js'),
    ]);
    return describeSnapshot(await openForReading(path, await chainPlaces(options, input)), name);
  }
  return showDescription(await describeFile(path, kind, name));
}
