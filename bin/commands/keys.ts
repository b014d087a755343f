/** `wag-snap keys`: prints the key by which other hosts know this one, and makes keys for snapshots. */

import type { CommandModule } from 'yargs';
import { terminalJson, terminalText } from '../../src/base/terminal-text.js';
import { once, UsageError } from '../options/usage.js';

interface Options {
  keys: string | undefined;
  signing: string | undefined;
  identity: string | undefined;
  json: boolean;
}

const command: CommandModule<object, Options> = {
  command: 'keys',
  describe: 'Print the key by which other hosts know this one; make keys for snapshots',
  builder: (yargs) =>
    yargs
      .option('keys', {
        type: 'string',
        requiresArg: true,
        coerce: once('keys'),
        describe: 'the folder of the keys; default: ~/.config/wag-snap',
      })
      .option('signing', {
        type: 'string',
        requiresArg: true,
        coerce: once('signing'),
        describe: 'FILE: instead, an ed25519 key for --sign-key, made if it is not there; prints its public key',
      })
      .option('identity', {
        type: 'string',
        requiresArg: true,
        coerce: once('identity'),
        describe: 'FILE: instead, an age identity, made if it is not there; prints its recipient for --encrypt-to',
      })
      .option('json', { type: 'boolean', default: false, describe: 'print one JSON object' })
      .example([
        ['$0 keys', 'makes keys if there are none, and prints SHA256:..., the --peer for other hosts'],
        ['$0 keys --keys /etc/wag-snap', 'the same for a service'],
        ['$0 keys --signing sign.pem', 'prints ed25519:..., the --verify-key of what sign.pem signs'],
        ['$0 keys --identity me.age', 'prints age1..., the --encrypt-to for what me.age can read'],
      ]) as never,
  handler: async ({ keys, signing, identity, json }) => {
    if ([keys, signing, identity].filter((one) => one !== undefined).length > 1)
      throw new UsageError('--keys, --signing and --identity cannot be given together');
    const { ownIdentity, ownKeys, ownSigningKey } = await import('../../src/api/keys.js');
    const file = signing ?? identity;
    if (file !== undefined) {
      const made = await (signing === undefined ? ownIdentity(file) : ownSigningKey(file));
      if (made.isNew && !json) process.stderr.write(terminalText(`a new key in ${file}`).concat('\n'));
      console.log(json ? terminalJson({ ...made, file }) : made.publicKey);
      return;
    }
    const { fingerprint, folder, isNew } = await ownKeys(keys);
    if (isNew && !json) process.stderr.write(terminalText(`new keys in ${folder}`).concat('\n'));
    console.log(json ? terminalJson({ fingerprint, folder, isNew }) : fingerprint);
  },
};
export default command;
