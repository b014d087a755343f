/** Asks a credential helper: a program `docker-credential-NAME`, which has the user's logins in a keychain. */

import { spawn } from 'node:child_process';
import * as z from 'zod';
import { ToolError } from '../../base/errors.js';
import { quoted } from '../../base/terminal-text.js';
import type { Credential } from './credential.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** It may have to ask the user, so it has a while. */
const TIME = 120_000;
const ANSWER_MAX = 1 << 20;
/** The user's name that says that the secret is a token. */
const TOKEN = '<token>';
/** What helpers print when they know no login. */
const NOT_FOUND = /credentials not found|no credentials|not found in native keychain/i;

const answer = z.looseObject({ Username: z.string(), Secret: z.string() });

/**
 * @param name the last part of the program's
 * @returns undefined when it has no login for the host
 * @throws ToolError that has nothing of what the helper has printed
 */
export async function askHelper(name: string, host: string, env: NodeJS.ProcessEnv): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`;
  const failed = (what: string) => new ToolError('credentials', `${quoted(program)}: ${what}`);
  if (!NAME.test(name)) throw failed('is no name of a credential helper');
  const { status, stdout, error } = await run(program, host, env);
  if (error !== undefined) {
    throw failed(error === 'ENOENT' ? 'is not installed: it is to know the login for the registry' : error);
  }
  if (status !== 0) {
    if (NOT_FOUND.test(stdout)) return undefined;
    throw failed(`ends with ${status}, and gives no login for ${host}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    // told below
  }
  const { data } = answer.safeParse(value);
  if (data === undefined) throw failed(`gives something else than a login for ${host}`);
  const { Username: user, Secret: secret } = data;
  if (user === TOKEN) return { identityToken: secret };
  return user === '' && secret === '' ? undefined : { user, password: secret };
}

function run(
  program: string,
  host: string,
  env: NodeJS.ProcessEnv,
): Promise<{ status: number | string; stdout: string; error?: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    // spawn's own timeout would keep this process for that long when there is no such program
    const timer = setTimeout(() => child.kill(), TIME);
    const parts: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= ANSWER_MAX) parts.push(part);
      else child.kill('SIGKILL');
    });
    child.stdin.on('error', () => {}); // it has ended without reading
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ status: -1, stdout: '', error: error.code ?? 'cannot be started' });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ status: code ?? signal ?? -1, stdout: Buffer.concat(parts).toString('utf8') });
    });
    child.stdin.end(host);
  });
}
