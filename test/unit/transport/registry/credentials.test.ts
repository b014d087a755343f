/** Where a login is found, in the order of docker's and podman's files. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findCredential } from '../../../../src/transport/registry/credentials.js';
import { parseRegistryReference } from '../../../../src/transport/registry/reference.js';

let folder: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-credentials-'));
  env = { HOME: join(folder, 'home'), PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, value: unknown): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof value === 'string' ? value : JSON.stringify(value));
  return full;
}
const auth = (user: string, password: string) => ({ auth: Buffer.from(`${user}:${password}`).toString('base64') });
const find = (name = 'oci://h:5000/team/job') => findCredential(parseRegistryReference(name), env);

function helper(name: string, script: string): void {
  const path = write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

test('nobody has logged in', async () => {
  expect(await find()).toBeUndefined();
  write('home/.docker/config.json', '');
  expect(await find()).toBeUndefined();
  write('home/.docker/config.json', { auths: { other: auth('a', 'b') } });
  expect(await find()).toBeUndefined();
});

test('each file, the more particular first', async () => {
  write('home/.docker/config.json', { auths: { 'h:5000': auth('docker', 'a:b') } });
  expect(await find()).toEqual({ user: 'docker', password: 'a:b' });
  env['DOCKER_CONFIG'] = dirname(write('d/config.json', { auths: { 'https://h:5000/v1/': auth('dir', 'p') } }));
  expect(await find()).toEqual({ user: 'dir', password: 'p' });
  write('home/.config/containers/auth.json', { auths: { 'h:5000': auth('config', 'p') } });
  expect(await find()).toEqual({ user: 'config', password: 'p' });
  env['XDG_RUNTIME_DIR'] = join(folder, 'run');
  write('run/containers/auth.json', { auths: { 'h:5000/team': auth('team', 'p'), 'h:5000': auth('all', 'p') } });
  expect(await find()).toEqual({ user: 'team', password: 'p' });
  expect(await find('oci://h:5000/teams/job')).toEqual({ user: 'all', password: 'p' });
  env['REGISTRY_AUTH_FILE'] = write('only.json', { auths: { other: auth('a', 'b') } });
  expect(await find()).toBeUndefined();
  env['REGISTRY_AUTH_FILE'] = join(folder, 'not-there.json');
  await expect(find()).rejects.toMatchObject({ code: 'read', message: expect.stringContaining('not-there.json') });
});

test('tokens in a file', async () => {
  write('home/.docker/config.json', { auths: { 'h:5000': { ...auth('u', ''), identitytoken: 'id' } } });
  expect(await find()).toEqual({ identityToken: 'id' });
  write('home/.docker/config.json', { auths: { 'h:5000': { registrytoken: 'reg' } } });
  expect(await find()).toEqual({ registryToken: 'reg' });
});

test('helpers are asked with the host, and for one host before the file', async () => {
  helper(
    'mine',
    `read host || true; echo "{\\"ServerURL\\":\\"$host\\",\\"Username\\":\\"$host\\",\\"Secret\\":\\"s\\"}"`,
  );
  helper('token', 'cat >/dev/null; echo \'{"Username":"<token>","Secret":"t"}\'');
  helper('none', 'cat >/dev/null; echo "credentials not found in native keychain"; exit 1');
  const auths = { 'h:5000': auth('file', 'p') };
  write('home/.docker/config.json', { auths, credHelpers: { 'h:5000': 'mine' }, credsStore: 'token' });
  expect(await find()).toEqual({ user: 'h:5000', password: 's' });
  write('home/.docker/config.json', { auths: { 'h:5000': {} }, credsStore: 'token' });
  expect(await find()).toEqual({ identityToken: 't' });
  write('home/.docker/config.json', { credsStore: 'none' });
  expect(await find()).toBeUndefined();
});

test('what is wrong is told without a secret', async () => {
  const says = async (value: unknown, code = 'credentials') => {
    write('home/.docker/config.json', value);
    const error = await find().then(
      () => undefined,
      (one: unknown) => one as { code: string; message: string },
    );
    expect(error?.code).toBe(code);
    expect(error?.message).not.toContain('hunter2');
    return error?.message;
  };
  expect(await says('{"auths": hunter2')).toContain('config.json: is not JSON');
  expect(await says({ auths: 'hunter2' })).toContain('is no list of logins: auths');
  expect(await says({ auths: { 'h:5000': { auth: 'hunter2' } } })).toContain('the login for h:5000 is damaged');
  expect(await says({ credHelpers: { 'h:5000': '../evil' } })).toContain('no name of a credential helper');
  expect(await says({ credHelpers: { 'h:5000': 'absent' } })).toContain('"docker-credential-absent": is not installed');
  helper('broken', 'cat >/dev/null; echo hunter2; exit 3');
  expect(await says({ credsStore: 'broken' })).toContain('ends with 3');
  helper('silly', 'cat >/dev/null; echo hunter2');
  expect(await says({ credsStore: 'silly' })).toContain('gives something else than a login');
});
