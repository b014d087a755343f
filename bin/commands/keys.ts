/** `wag-snap keys`: prints the key by which other hosts know this one. */

import type { CommandModule } from 'yargs';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';
import { once } from '../options/usage.js';

interface Options {
  keys: string | undefined;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'keys',
  describe: 'Print the key by which other hosts know this one',
  builder: (yargs) =>
    yargs
      .option('keys', {
        type: 'string',
        requiresArg: true,
        coerce: once('keys'),
        describe: 'the folder of the keys; default: ~/.config/wag-snap',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print an object: fingerprint, folder, isNew' })
      .example([
        ['$0 keys', 'makes keys if there are none, and prints SHA256:..., the --peer for other hosts'],
        ['$0 keys --keys /etc/wag-snap', 'the same for a service'],
      ]) as never,
  handler: async ({ keys, json }) => {
    const { ownKeys } = await import('../../src/api/keys.js');
    const { fingerprint, folder, isNew } = await ownKeys(keys);
    if (isNew && !json) process.stderr.write(terminalText(`new keys in ${folder}`).concat('\n'));
    console.log(json ? terminalJson({ fingerprint, folder, isNew }) : fingerprint);
  },
};
export default command;
