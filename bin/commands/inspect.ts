/** `wag-snap inspect`: what a module, an image, a snapshot or a running process is. Changes and stops nothing. */

import type { CommandModule } from 'yargs';
import { attachUnlessFile } from '../../src/api/attach.js';
import { terminalJson } from '../../src/base/terminal-text.js';
import { notFor } from '../programs/expect-kind.js';
import { type InputFile, withInput } from '../programs/input-file.js';
import type { Description } from '../show/describe.js';

interface Options {
  subject: string;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'inspect <subject>',
  describe: 'Say what a module, an image, a snapshot or a process is',
  builder: (yargs) =>
    yargs
      .positional('subject', {
        type: 'string',
        demandOption: true,
        describe: 'a file, or the pid or name of a process',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 inspect app.wasm', 'lists imports, exports and sizes'],
        ['$0 inspect job.wsnap --json', 'prints a JSON object for programs'],
      ]) as never,
  handler: async ({ subject, json }) => {
    const description = await describe(subject);
    process.stdout.write(json ? `${terminalJson(description.json)}\n` : description.text);
  },
};
export default command;

async function describe(subject: string): Promise<Description> {
  const describers = await import('../show/describe.js');
  const process = await attachUnlessFile(subject);
  if (process !== undefined) {
    try {
      return describers.describeProcess(process);
    } finally {
      process.close();
    }
  }
  return withInput(subject, (input) => describeFile(describers, input));
}

async function describeFile(describers: typeof import('../show/describe.js'), input: InputFile): Promise<Description> {
  const { name, path, kind } = input;
  switch (kind) {
    case 'module':
      return describers.describeModule(path, name);
    case 'coredump':
      return describers.describeCoredump(path, name);
    case 'image':
      return describers.describeImage(path, name);
    case 'snapshot': {
      const [{ readSnapshot }, { describeSnapshot }] = await Promise.all([
        import('../../src/snapshot/format.js'),
        import('../../src/snapshot/inspect.js'),
      ]);
      return describeSnapshot(readSnapshot(path), name);
    }
    case 'other':
      throw notFor(input, 'inspect', ['module', 'image', 'snapshot']);
  }
}
