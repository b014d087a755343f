/** Transports over the standard input and output of a command: ssh, or a command that the user gives. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemReason, ToolError } from '../base/errors.js';
import type { Link, Transport } from './transport.js';

const SSH = /^(?:ssh:\/\/)?(?:([^@/:\s]+)@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?\/?$/;
const PORT_MAX = 65535;

/**
 * The user's OpenSSH, with its configuration.
 *
 * @param text `ssh://[USER@]HOST[:PORT]`, or the same without `ssh://`
 * @param receiver the name of `wag-snap` on that host, a part of a command line for its shell
 * @returns undefined when the text has another form
 */
export function sshTransport(text: string, receiver: string): Transport | undefined {
  const [, user, host, port] = SSH.exec(text) ?? [];
  // NOTE: a host or user that ssh would take for an option is refused
  if (host === undefined || host.startsWith('-') || user?.startsWith('-') || Number(port ?? 1) > PORT_MAX) {
    return undefined;
  }
  const bare = host.replace(/^\[|\]$/g, '');
  const where = user === undefined ? bare : `${user}@${bare}`;
  const args = ['-T', ...(port === undefined ? [] : ['-p', port]), '--', where, `${receiver} receive --stdio`];
  return commandTransport(where, 'ssh', args);
}

/** @param name the host, for messages */
export function commandTransport(name: string, program: string, args: readonly string[]): Transport {
  return { name, connect: () => connect(name, program, args) };
}

/** The command's standard error is shown to the user. */
async function connect(name: string, program: string, args: readonly string[]): Promise<Link> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(child, 'spawn');
  } catch (error) {
    const hint = program === 'ssh' ? ' (Debian: apt-get install openssh-client)' : '';
    throw new ToolError('link', `${name} cannot be reached: ${program}: ${systemReason(error)}${hint}`);
  }
  child.stdout.on('readable', () => {}); // else Node drops what nobody has read when the command ends
  return {
    input: child.stdout,
    output: child.stdin,
    close() {
      child.stdin.destroy();
      child.stdout.destroy();
      child.unref();
    },
  };
}
