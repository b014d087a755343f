/** Where a workload is to be moved, as the user says it, and the command that reaches it. */

import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';

export interface Destination {
  /** For messages. */
  readonly name: string;
  /** The command whose standard input and output are the link. */
  readonly program: string;
  readonly args: readonly string[];
}

const SSH = /^(?:ssh:\/\/)?(?:([^@/:\s]+)@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?\/?$/;
const PORT_MAX = 65535;

/**
 * `ssh://[USER@]HOST[:PORT]`, or that without `ssh://`: the user's OpenSSH, with its configuration. `exec:COMMAND`: a
 * command of the shell.
 *
 * @param receiver the command there, for ssh
 * @throws UsageError
 */
export function parseDestination(text: string, receiver: string): Destination {
  if (text.startsWith('exec:')) {
    const command = text.slice('exec:'.length).trim();
    if (command === '') throw new UsageError('exec: which command? exec:COMMAND');
    return { name: text, program: '/bin/sh', args: ['-c', command] };
  }
  const [, user, host, port] = SSH.exec(text) ?? [];
  // NOTE: what ssh would take for an option is no host
  if (host === undefined || host.startsWith('-') || user?.startsWith('-') || Number(port ?? 1) > PORT_MAX) {
    throw new UsageError(`${quoted(text)} is no destination: ssh://[USER@]HOST[:PORT], HOST or exec:COMMAND`);
  }
  const bare = host.replace(/^\[|\]$/g, '');
  const where = user === undefined ? bare : `${user}@${bare}`;
  const args = ['-T', ...(port === undefined ? [] : ['-p', port]), '--', where, `${receiver} receive --stdio`];
  return { name: where, program: 'ssh', args };
}
