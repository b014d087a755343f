/** Who gets the user's login, and who does not. */

import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { traceTo } from '../../../../src/base/trace.js';
import { RegistryClient, type RegistrySettings } from '../../../../src/transport/registry/client.js';
import { parseRegistryReference } from '../../../../src/transport/registry/reference.js';
import { listTags } from '../../../../src/transport/registry/tags.js';
import { Upload } from '../../../../src/transport/registry/upload.js';
import { type Asked, FakeRegistry, type Fault } from '../../../support/fake-registry.js';

let registry: FakeRegistry;
let other: FakeRegistry;
let client: RegistryClient;

beforeEach(async () => {
  registry = await FakeRegistry.start();
  other = await FakeRegistry.start();
});
afterEach(async () => {
  client.close();
  await registry.stop();
  await other.stop();
});

const LOGIN = { user: 'me', password: 'hunter2' };
const BASIC = `Basic ${Buffer.from('me:hunter2').toString('base64')}`;
const TYPES = ['application/vnd.oci.image.manifest.v1+json'];

function open(settings: Partial<RegistrySettings> = {}): RegistryClient {
  client = new RegistryClient(parseRegistryReference(`oci://${registry.host}/team/job`), {
    access: 'pull',
    plainHttp: true,
    pause: async () => {},
    credential: async () => LOGIN,
    ...settings,
  });
  return client;
}

const refusal = (challenge: string): Fault => ({
  kind: 'answer',
  status: 401,
  headers: { 'www-authenticate': challenge },
});
const wants = (challenge: string, header: string) => (asked: Asked) =>
  asked.authorization === header ? undefined : refusal(challenge);

test('basic: only when it is asked for', async () => {
  registry.manifests.set('team/job:1', Buffer.from('{}'));
  await open().manifest('1', TYPES);
  expect(registry.asked[0].authorization).toBeUndefined();
  registry.fault = wants('Basic realm="x"', BASIC);
  await client.manifest('1', TYPES);
  await client.manifest('1', TYPES);
  expect(registry.asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined, BASIC, BASIC]);
});

test('a wrong password is told, without it', async () => {
  registry.fault = () => refusal('Basic realm="x"');
  const error = await open()
    .manifest('1', TYPES)
    .catch((one) => one);
  expect(error).toMatchObject({ code: 'registry-denied', exitCode: 1 });
  expect(error.message).toContain(`docker login ${registry.host}`);
  expect(JSON.stringify([error.message, error.details, error.stack])).not.toContain('hunter2');
  expect(registry.asked.length).toBe(2);
});

/** A token service on the other host. */
function tokenService(answer: object = { token: 'tok-1', expires_in: 60 }, status = 200) {
  registry.fault = wants(`Bearer realm="${other.url}/token",service="srv"`, 'Bearer tok-1');
  other.fault = () => ({ kind: 'answer', status, body: JSON.stringify(answer) });
}

test('a bearer token: the service gets the login and the scope, the registry the token', async () => {
  registry.manifests.set('team/job:1', Buffer.from('{}'));
  tokenService();
  expect(await open().manifest('1', TYPES)).toMatchObject({ text: '{}' });
  expect(other.asked).toMatchObject([{ method: 'GET', authorization: BASIC }]);
  expect(decodeURIComponent(other.asked[0].url)).toBe('/token?service=srv&scope=repository:team/job:pull');
  expect(registry.asked.map(({ authorization }) => authorization)).toEqual([undefined, 'Bearer tok-1']);
});

test('a token that has run out is renewed; an identity token is exchanged; nobody asks without a login', async () => {
  registry.manifests.set('team/job:1', Buffer.from('{}'));
  tokenService({ access_token: 'tok-1' });
  await open({ credential: async () => ({ identityToken: 'long' }) }).manifest('1', TYPES);
  expect(other.asked).toMatchObject([{ method: 'POST', authorization: undefined }]);
  registry.fault = wants(`Bearer realm="${other.url}/token"`, 'Bearer tok-2');
  other.fault = () => ({ kind: 'answer', status: 200, body: '{"token":"tok-2"}' });
  await client.manifest('1', TYPES);
  client.close();
  await open({ credential: async () => undefined }).manifest('1', TYPES);
  expect(other.asked.at(-1)?.authorization).toBeUndefined();
});

test('only a request that reads another repository, too, asks for a token for both', async () => {
  const scopes: string[][] = [];
  registry.fault = ({ authorization }) =>
    authorization === undefined ? refusal(`Bearer realm="${other.url}/token"`) : undefined;
  other.fault = ({ url }) => {
    scopes.push(new URL(url, other.url).searchParams.getAll('scope'));
    return { kind: 'answer', status: 200, body: '{"token":"tok-1"}' };
  };
  const bytes = Buffer.from('a blob');
  const blob = { ...registry.put('team/other', bytes), read: () => Readable.from([bytes]) };
  expect(await new Upload(open({ access: 'push' }), blob, 'team/other').run()).toBe('mounted');
  const own = 'repository:team/job:pull,push';
  expect(scopes).toEqual([[own], [own, 'repository:team/other:pull']]);
});

test('a token service that gives none for the other repository: the blob is sent', async () => {
  registry.fault = wants(`Bearer realm="${other.url}/token"`, 'Bearer tok-1');
  other.fault = ({ url }) =>
    url.includes('other')
      ? { kind: 'answer', status: 403 }
      : { kind: 'answer', status: 200, body: '{"token":"tok-1"}' };
  const bytes = Buffer.from('a blob');
  const blob = { ...registry.put('team/other', bytes), read: () => Readable.from([bytes]) };
  expect(await new Upload(open({ access: 'push' }), blob, 'team/other').run()).toBe('sent');
});

test.each([
  ['{}', 200, 'answers without a token'],
  ['nonsense hunter2', 200, 'answers without a token'],
  ['{"token":"a b"}', 200, 'characters that no token has'],
  ['hunter2', 403, 'answers 403'],
])('a token service that says %j', async (body, status, says) => {
  tokenService();
  other.fault = () => ({ kind: 'answer', status, body });
  const error = await open()
    .manifest('1', TYPES)
    .catch((one) => one);
  expect(error.message).toContain(says);
  expect(error.message).not.toContain('hunter2');
});

test.each(['http://registry.example/token', 'nonsense', 'ftp://localhost/', 'http://u:p@127.0.0.1/'])(
  'no login goes to %s',
  async (realm) => {
    registry.fault = () => refusal(`Bearer realm="${realm}"`);
    const error = await open({ plainHttp: false })
      .manifest('1', TYPES)
      .catch((one) => one);
    expect(error).toMatchObject({ code: 'registry', exitCode: 3 });
  },
);

test('the login does not follow a redirect to another host, and no refusal there asks for it', async () => {
  registry.manifests.set('team/job:1', Buffer.from('{}'));
  registry.fault = wants('Basic realm="x"', BASIC);
  await open().manifest('1', TYPES);
  other.manifests.set('team/job:1', Buffer.from('{"there":1}'));
  registry.fault = () => ({
    kind: 'answer',
    status: 307,
    headers: { location: `${other.url}/v2/team/job/manifests/1?signature=secret` },
  });
  expect((await client.manifest('1', TYPES))?.text).toBe('{"there":1}');
  other.fault = () => refusal('Basic realm="x"');
  await expect(client.manifest('1', TYPES)).rejects.toMatchObject({ code: 'registry-denied' });
  expect(other.asked.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
});

test('redirects that lead nowhere good', async () => {
  const leads = async (location: string) => {
    registry.fault = () => ({ kind: 'answer', status: 302, headers: { location } });
    return open()
      .manifest('1', TYPES)
      .catch((one) => one);
  };
  expect(await leads('/v2/team/job/manifests/1')).toMatchObject({ message: expect.stringContaining('302') });
  expect(registry.asked.length).toBe(6);
  for (const bad of ['file:///etc/passwd', 'ftp://h/x', 'http://u:p@h/', 'http://[']) {
    expect(await leads(bad)).toMatchObject({ code: 'registry', exitCode: 3 });
  }
});

test('no secret is in a trace', async () => {
  const lines: string[] = [];
  traceTo((_, text) => lines.push(text), ['registry']);
  try {
    registry.manifests.set('team/job:1', Buffer.from('{}'));
    tokenService();
    await open().manifest('1', TYPES);
    registry.fault = () => ({ kind: 'answer', status: 307, headers: { location: `${other.url}/x?signature=sig-1` } });
    await client.manifest('1', TYPES).catch(() => {});
  } finally {
    traceTo(() => {}, []);
  }
  expect(lines.length).toBeGreaterThan(3);
  expect(lines.join('\n')).not.toMatch(/hunter2|tok-1|sig-1|Basic|Bearer/);
});

test('manifests: damaged ones, endless ones', async () => {
  registry.fault = () => ({
    kind: 'answer',
    status: 200,
    headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` },
    body: '{}',
  });
  await expect(open().manifest('1', TYPES)).rejects.toMatchObject({
    code: 'registry',
    message: expect.stringContaining('damaged'),
  });
  client.close();
  registry.fault = () => ({ kind: 'answer', status: 200, body: '{}' });
  await expect(open().manifest(`sha256:${'0'.repeat(64)}`, TYPES)).rejects.toMatchObject({ code: 'registry' });
  client.close();
  registry.fault = () => ({ kind: 'answer', status: 200, body: Buffer.alloc((4 << 20) + 1, 32) });
  await expect(open().manifest('1', TYPES)).rejects.toMatchObject({ code: 'registry', exitCode: 3 });
});

test('tags: pages, too many of them, nonsense, another host', async () => {
  const pages = (all: string[][], link: (n: number) => string) => {
    let n = 0;
    registry.fault = () => {
      const tags = all[n++];
      const more: Record<string, string> = n < all.length ? { link: `<${link(n)}>; rel="next"` } : {};
      return { kind: 'answer', status: 200, headers: more, body: JSON.stringify({ name: 'x', tags }) };
    };
  };
  const list = (most = 1000) => {
    client?.close();
    return listTags(open(), most);
  };
  pages(
    [
      ['1', '2', 'no tag\x1b'],
      ['2', '3'],
    ],
    (n) => `/v2/team/job/tags/list?n=2&last=${n}`,
  );
  expect(await list()).toEqual(['1', '2', '3']);
  pages([Array.from({ length: 1001 }, (_, i) => String(i))], String);
  await expect(list()).rejects.toMatchObject({ code: 'tags', exitCode: 4 });
  pages(
    Array.from({ length: 50 }, () => []),
    () => '/v2/team/job/tags/list?again',
  );
  await expect(list(20)).rejects.toMatchObject({ code: 'tags', exitCode: 4 });
  pages([['1'], ['2']], () => `${other.url}/v2/team/job/tags/list`);
  await expect(list()).rejects.toMatchObject({ code: 'registry', exitCode: 3 });
  expect(other.asked).toEqual([]);
  for (const body of ['nonsense', '[]', '{"tags":{}}', '{"tags":[1]}']) {
    registry.fault = () => ({ kind: 'answer', status: 200, body });
    await expect(list()).rejects.toMatchObject({ code: 'registry', exitCode: 3 });
  }
  registry.fault = () => ({ kind: 'answer', status: 404 });
  await expect(list()).rejects.toMatchObject({ code: 'no-repository', exitCode: 3 });
});
