/** Transports over the standard input and output of a command: ssh, or a command that the user gives. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { systemReason, ToolError } from '../base/errors.js';
import { findProgram } from '../base/find-program.js';
import type { Link, Transport } from './transport.js';

const SSH = /^(?:ssh:\/\/)?(?:([^@/:\s]+)@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{1,5}))?\/?$/;
const PORT_MAX = 65535;
const MISSING = 'there is no such program in PATH';
const SSH_HINT = '(Debian: apt-get install openssh-client)';

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

/**
 * A key of the terminal is for this command alone, which gives the move up or does not: a program that runs there may
 * need the link. What is ignored by a shell is so by what it becomes.
 */
const DEAF = `trap '' INT QUIT HUP; exec "$0" "$@"`;

/** The command's standard error is shown to the user. */
async function connect(name: string, program: string, args: readonly string[]): Promise<Link> {
  const fails = (why: string) => new ToolError('link', `${name} cannot be reached: ${program}: ${why}`);
  const path = program.includes('/') ? program : findProgram([program]);
  if (path === undefined) throw fails(program === 'ssh' ? `${MISSING} ${SSH_HINT}` : MISSING);
  const child = spawn('/bin/sh', ['-c', DEAF, path, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(`${program === 'ssh' ? 'ssh' : 'the command'} has ended with ${signal ?? `exit code ${code}`}`);
    });
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw fails(systemReason(error));
  }
  child.stdout.on('readable', () => {}); // else Node drops what nobody has read when the command ends
  return {
    input: child.stdout,
    output: child.stdin,
    ended,
    close() {
      if ((child.stdout as Socket).bytesRead === 0) child.kill(); // it may ask for a password, which nobody needs now
      child.stdin.destroy();
      child.stdout.destroy();
      child.unref();
    },
  };
}
