/** What a destination's text says: the way that leads to another host. */

import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { commandTransport, sshTransport } from './command.js';
import { readKeys } from './keys.js';
import { readPeers } from './peers.js';
import { parseTls, tlsTransport } from './tls.js';
import type { Transport } from './transport.js';

export interface DestinationOptions {
  /** With ssh: what `wag-snap` is called there, a part of a command line of its shell. */
  readonly remote?: string | undefined;
  /** With tls: the folder with this host's keys and its list of peers; `$XDG_CONFIG_HOME/wag-snap` if not given. */
  readonly keys?: string | undefined;
  /** With tls: fingerprints of what the destination may be; those of the folder's list if not given. */
  readonly peers?: readonly string[] | undefined;
}

/**
 * `ssh://[USER@]HOST[:PORT]`, or that without `ssh://`: the user's OpenSSH, with its configuration.
 * `tls://HOST:PORT`: a receiver that listens there. `exec:COMMAND`: a command of the shell.
 *
 * @throws UsageError
 */
export function parseDestination(
  text: string,
  { remote = 'wag-snap', keys, peers }: DestinationOptions = {},
): Transport {
  if (text.startsWith('exec:')) {
    const command = text.slice('exec:'.length).trim();
    if (command === '') throw new UsageError('exec: which command? exec:COMMAND');
    return commandTransport(text, '/bin/sh', ['-c', command]);
  }
  const isTls = text.startsWith('tls:');
  const address = isTls ? parseTls(text) : undefined;
  if (address !== undefined) {
    return tlsTransport(address, () => {
      const own = readKeys(keys);
      return { keys: own, peers: readPeers(own.folder, peers) };
    });
  }
  const ssh = isTls ? undefined : sshTransport(text, remote);
  if (ssh !== undefined) return ssh;
  const forms = 'ssh://[USER@]HOST[:PORT], HOST, tls://HOST:PORT or exec:COMMAND';
  throw new UsageError(`${quoted(text)} is no destination: ${forms}`);
}
