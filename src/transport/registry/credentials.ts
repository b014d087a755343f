/**
 * Finds the user's login for a registry where docker and podman keep it:
 *
 *     $REGISTRY_AUTH_FILE                                     if it is set, only this file
 *     $XDG_RUNTIME_DIR/containers/auth.json                   containers-auth.json(5)
 *     $XDG_CONFIG_HOME/containers/auth.json                   default: ~/.config
 *     $DOCKER_CONFIG/config.json                              default: ~/.docker
 *
 * In each file, the first of these that knows the registry: its credHelpers, its auths, its credsStore. No message has
 * anything of what stands in such a file, but for names.
 */

import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { InputError, reading } from '../../base/errors.js';
import type { Credential } from './credential.js';
import { askHelper } from './credential-helper.js';
import type { RegistryReference } from './reference.js';

const FILE_MAX = 16 << 20;
const text = z.string().max(1 << 20);
const login = z.looseObject({
  auth: text.optional(),
  username: text.optional(),
  password: text.optional(),
  identitytoken: text.optional(),
  registrytoken: text.optional(),
});
const schema = z.looseObject({
  auths: z.record(z.string(), login).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});
type Login = z.infer<typeof login>;

/**
 * @param env the environment of the tool
 * @returns undefined: nobody has logged in
 * @throws InputError for a file that is no such list; ToolError for one that cannot be read, or a helper that fails
 */
export async function findCredential(
  reference: RegistryReference,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credential | undefined> {
  const { path: only, paths } = filesOf(env);
  for (const path of only === undefined ? paths : [only]) {
    const config = readConfig(path, only !== undefined);
    const found = config && (await lookIn(config, reference, env));
    if (found !== undefined) return found;
  }
  return undefined;
}

function filesOf(env: NodeJS.ProcessEnv): { path: string | undefined; paths: string[] } {
  const home = env['HOME'] || homeOf();
  const config = configFolder(env);
  const folders = [
    env['XDG_RUNTIME_DIR'] && join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json'),
    config && join(config, 'containers', 'auth.json'),
    env['DOCKER_CONFIG'] ? join(env['DOCKER_CONFIG'], 'config.json') : home && join(home, '.docker', 'config.json'),
  ];
  return { path: env['REGISTRY_AUTH_FILE'] || undefined, paths: folders.filter((one): one is string => !!one) };
}

/** Where this user's configuration is. */
export function configFolder(env: NodeJS.ProcessEnv): string | undefined {
  const home = env['HOME'] || homeOf();
  return env['XDG_CONFIG_HOME'] || (home && join(home, '.config'));
}

function homeOf(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

function readConfig(path: string, mustBeThere: boolean): z.infer<typeof schema> | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined && !mustBeThere) return undefined;
  const content = reading(path, () => {
    if (stat !== undefined && (!stat.isFile() || stat.size > FILE_MAX)) {
      throw new InputError('credentials', `${path}: is no list of logins`);
    }
    return readFileSync(path, 'utf8');
  });
  if (content.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    throw new InputError('credentials', `${path}: is not JSON: docker login or podman login writes such a file`);
  }
  const { data, error } = schema.safeParse(value);
  if (error === undefined) return data;
  const where = error.issues[0].path.map(String).slice(0, 1).join('');
  throw new InputError('credentials', `${path}: is no list of logins${where === '' ? '' : `: ${where}`}`);
}

async function lookIn(
  { auths = {}, credHelpers = {}, credsStore }: z.infer<typeof schema>,
  { host, repository }: RegistryReference,
  env: NodeJS.ProcessEnv,
): Promise<Credential | undefined> {
  const helper = Object.hasOwn(credHelpers, host) ? credHelpers[host] : undefined;
  if (helper) return askHelper(helper, host, env);
  for (const key of keysFor(host, repository)) {
    const name = Object.keys(auths).find((one) => one === key || (key === host && hostOf(one) === host));
    const found = name === undefined ? undefined : credentialOf(auths[name], name);
    if (found !== undefined) return found;
  }
  return credsStore ? askHelper(credsStore, host, env) : undefined;
}

/** The host alone, and before it what podman knows: parts of the repository. */
function keysFor(host: string, repository: string): string[] {
  const parts = repository.split('/');
  return [...parts.map((_, i) => [host, ...parts.slice(0, parts.length - i)].join('/')), host];
}

/** Early versions of docker have written whole addresses. */
function hostOf(key: string): string | undefined {
  const address = /^https?:\/\/([^/]+)/.exec(key);
  return address?.[1];
}

function credentialOf(found: Login, name: string): Credential | undefined {
  const { auth = '', username, password, identitytoken, registrytoken } = found;
  if (registrytoken) return { registryToken: registrytoken };
  if (identitytoken) return { identityToken: identitytoken };
  if (username && password !== undefined) return { user: username, password };
  if (auth === '') return undefined;
  const pair = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = pair.indexOf(':');
  if (colon > 0) return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
  throw new InputError('credentials', `the login for ${name} is damaged: log in again (docker login, podman login)`);
}
