/** Parses a destination: the way that leads to another host. */

import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { commandTransport, sshTransport } from './command.js';
import { readKeys } from './keys.js';
import { readPeers } from './peers.js';
import { parseTls, tlsTransport } from './tls.js';
import type { Transport } from './transport.js';

export interface DestinationOptions {
  /** For ssh: the name of `wag-snap` on the other host, a part of a command line for its shell. */
  readonly remote?: string | undefined;
  /** For tls: the folder with this host's keys and its list of peers; default: `$XDG_CONFIG_HOME/wag-snap`. */
  readonly keys?: string | undefined;
  /** For tls: fingerprints that the destination may have; default: those of the folder's list. */
  readonly peers?: readonly string[] | undefined;
}

/**
 * `ssh://[USER@]HOST[:PORT]`, or the same without `ssh://`: the user's OpenSSH, with its configuration.
 * `tls://HOST:PORT`: a receiver that listens there. `exec:COMMAND`: a shell command.
 *
 * @throws UsageError
 */
export function parseDestination(
  text: string,
  { remote = 'wag-snap', keys, peers }: DestinationOptions = {},
): Transport {
  if (text.startsWith('exec:')) {
    const command = text.slice('exec:'.length).trim();
    if (command === '') throw new UsageError('exec: names no command; expected exec:COMMAND');
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
  throw new UsageError(`${quoted(text)} is not a destination; expected ${forms}`);
}
