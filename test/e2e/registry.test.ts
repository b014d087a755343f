/**
 * Snapshots by way of registries, from the command line: pushed to Debian's docker-registry with a login, copied by
 * skopeo to a second one, pulled from there, and restored on both CPUs. Each part says what it needs when that is not
 * installed.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DockerRegistry, noRegistry } from '../support/docker-registry.js';
import { FakeRegistry } from '../support/fake-registry.js';
import { nativeArch } from '../support/native-arch.js';
import { Output } from '../support/waiting.js';
import { canRun } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-registry-'));
const env: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: folder,
  XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(process.env['HOME'] ?? folder, '.cache'),
};
const usual = join(folder, '.local/share/wag-snap/store');
const noSkopeo = spawnSync('skopeo', ['--version']).status === 0 ? undefined : 'skopeo is not installed';
/** hunter2, by bcrypt. */
const USERS = 'me:$2b$04$74fMJuM7VmJ5UjWBF1koUO7mMkRHiPjHXV87pzMZo8XSmrqM6CURu\n';
let child: ChildProcess | undefined;
let out: Output;
/** The first wants a login. */
const registries: DockerRegistry[] = [];
const [first, second] = [() => registries[0].host, () => registries[1].host];

function tool(args: readonly string[], input = '', more: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(join(root, 'bin/wag-snap'), args, {
    cwd: folder,
    env: { ...env, ...more },
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}
const done = (stdout: string) => ({ status: 0, stdout, stderr: '' });
const login = () => ({ REGISTRY_AUTH_FILE: join(folder, 'auth.json') });
const json = (args: readonly string[], more?: NodeJS.ProcessEnv) => {
  const { status, stdout, stderr } = tool([...args, '--json'], '', more);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
};

beforeAll(async () => {
  if (noRegistry !== undefined) return;
  registries.push(await DockerRegistry.start(join(folder, 'first'), USERS));
  registries.push(await DockerRegistry.start(join(folder, 'second')));
  const auth = Buffer.from('me:hunter2').toString('base64');
  writeFileSync(join(folder, 'auth.json'), JSON.stringify({ auths: { [first()]: { auth } } }));
  expect(tool(['compile', join(root, 'fixtures/programs/readline.wasm'), '-o', 'adder']).status).toBe(0);
  child = spawn(join(folder, 'adder'), { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  out = new Output(child);
  await out.has('ready');
  for (const [i, number] of [5, 7].entries()) {
    child.stdin?.write(`${number}\n`);
    await out.has(`readline ${i + 1} sum`);
    expect(tool(['capture', String(child.pid), '-t', 'job'])).toEqual(done(`job:${i + 1}\n`));
  }
}, 60_000);
afterAll(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  for (const registry of registries) await registry.stop();
  rmSync(folder, { recursive: true });
});

const own = test.skipIf(noRegistry !== undefined);

own('without a login nothing is sent, and the message says what to do', () => {
  const refused = tool(['push', 'job', `oci://${first()}/team/job`]);
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toContain(`docker login ${first()} or podman login ${first()}`);
});

own('a credential helper that is not installed is named, and not waited for', () => {
  writeFileSync(join(folder, 'helper.json'), JSON.stringify({ credsStore: 'nope' }));
  const found = tool(['snapshots', `oci://${first()}/team/job`], '', {
    REGISTRY_AUTH_FILE: join(folder, 'helper.json'),
  });
  expect(found).toMatchObject({ status: 1, stdout: '' });
  expect(found.stderr).toContain('"docker-credential-nope": is not installed');
});

own('push: what is there is not sent again, neither by a second push nor by the next of a chain', () => {
  const one = json(['push', 'job:1', `oci://${first()}/team/job`], login());
  expect(one).toMatchObject({ reference: `oci://${first()}/team/job:1`, present: 0 });
  const two = json(['push', 'job', `oci://${first()}/team/job`], login());
  expect(two.reference).toBe(`oci://${first()}/team/job:2`);
  expect(two.sent).toBeLessThan(one.sent / 2);
  expect(two.present).toBeGreaterThan(one.sent / 2);
  expect(json(['push', 'job:2', `oci://${first()}/team/job:again`], login())).toMatchObject({
    digest: two.digest,
    sent: 0,
  });
});

own('push: what another repository of the registry has is taken from there', () => {
  const copy = json(['push', 'job:2', `oci://${first()}/copies/of-job`], login());
  expect(copy).toMatchObject({ reference: `oci://${first()}/copies/of-job:2`, sent: 0 });
  expect(json(['pull', copy.reference, '--store', 'copied'], login())).toMatchObject({ name: 'of-job', present: 0 });
  // who has pulled it knows where it is, too
  const again = json(['push', 'of-job', `oci://${first()}/third`, '--store', 'copied'], login());
  expect(again.present).toBeGreaterThan(again.sent * 10);
  expect(json(['pull', `oci://${first()}/third`, '--store', 'third'], login())).toMatchObject({ tag: '2' });
});

test.skipIf((noRegistry ?? noSkopeo) !== undefined)(
  'skopeo copies it to another registry, from where it is pulled and restored on both CPUs',
  () => {
    const copy = spawnSync(
      'skopeo',
      [
        ['copy', '--src-tls-verify=false', '--dest-tls-verify=false', '--src-authfile', join(folder, 'auth.json')],
        [`docker://${first()}/team/job:2`, `docker://${second()}/copies/job:2`],
      ].flat(),
      { cwd: folder, encoding: 'utf8' },
    );
    expect({ status: copy.status, stderr: copy.stderr }).toEqual({ status: 0, stderr: '' });
    expect(tool(['pull', `oci://${second()}/copies/job`, '--store', 'there'])).toEqual(done('job:2\n'));
    const restored = done('readline 3 sum 1012\nreadline end after 3 lines\n');
    expect(tool(['restore', 'job', '--store', 'there'], '1000\n')).toEqual(restored);
    const other = nativeArch === 'x64' ? 'arm64' : 'x64';
    if (canRun(other))
      expect(tool(['restore', 'job', '--store', 'there', '--arch', other], '1000\n')).toEqual(restored);
    expect(tool(['snapshots', 'verify', '--store', 'there'])).toEqual(done('1 snapshots: whole\n'));
  },
);

own('pull: what is there is not fetched again; a snapshot of the store is not replaced by another one', () => {
  const two = json(['pull', `oci://${first()}/team/job:2`, '--store', 'mine'], login());
  expect(two).toMatchObject({ name: 'job', tag: '2', present: 0 });
  const one = json(['pull', `oci://${first()}/team/job:1`, '--store', 'mine'], login());
  expect(one).toMatchObject({ name: 'job', tag: '1', received: 0 });
  // the documents are the same, byte for byte
  const documents = (store: string) => readdirSync(join(store, 'blobs/sha256')).sort();
  expect(documents(join(folder, 'mine'))).toEqual(documents(usual));
  expect(json(['pull', `oci://${first()}/team/job@${two.digest}`, 'job:pinned', '--store', 'mine'], login())).toEqual({
    ...two,
    tag: 'pinned',
    received: 0,
    present: two.received,
  });
  const other = tool(['pull', `oci://${first()}/team/job:1`, 'job:2', '--store', 'mine'], '', login());
  expect(other).toMatchObject({ status: 3, stdout: '' });
  expect(other.stderr).toContain('job:2: the store');
  const absent = tool(['pull', `oci://${first()}/team/job:9`, '--store', 'mine'], '', login());
  expect(absent).toMatchObject({ status: 3, stderr: expect.stringContaining('the registry has no such snapshot') });
  expect(readdirSync(join(folder, 'mine/ingest'))).toEqual([]);
});

own('signatures and encryption survive; what a policy refuses is not in the store', () => {
  const key = (...how: string[]) => tool(['keys', ...how]).stdout.trim();
  const [signer, other] = [key('--signing', 'me.pem'), key('--signing', 'other.pem')];
  const recipient = key('--identity', 'me.txt');
  const pid = String(child?.pid);
  const sealed = ['--encrypt-to', recipient, '--sign-key', 'me.pem'];
  expect(tool(['capture', pid, '-t', 'sealed', ...sealed])).toEqual(done('sealed:1\n'));
  expect(tool(['push', 'sealed', `oci://${second()}/sealed`])).toEqual(done(`oci://${second()}/sealed:1\n`));
  const refused = tool(['pull', `oci://${second()}/sealed`, '--store', 'blind', '--verify-key', other]);
  expect(refused).toMatchObject({ status: 3, stdout: '' });
  expect(refused.stderr).toContain(`is signed by ${signer}`);
  expect(json(['snapshots', '--store', 'blind'])).toEqual([]);
  expect(readdirSync(join(folder, 'blind/ingest'))).toEqual([]);
  // a host without the identity keeps it, and cannot look into it
  expect(tool(['pull', `oci://${second()}/sealed`, '--store', 'blind', '--verify-key', signer])).toEqual(
    done('sealed:1\n'),
  );
  expect(tool(['restore', 'sealed', '--store', 'blind'], '1\n')).toMatchObject({ status: 3 });
  const restored = tool(['restore', 'sealed', '--store', 'blind', '--identity', 'me.txt'], '1000\n');
  expect(restored.stdout).toContain('readline 3 sum 1012');
});

/** Certificates of a signer of its own, for 127.0.0.1 and for another host. */
function makeCertificates(): (host: string) => { certificate: string; key: string } {
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  };
  const key = (name: string) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', name];
  openssl('req', '-x509', ...key('signer.key'), '-out', 'signer.pem', '-subj', '/CN=signer', '-days', '2');
  return (host) => {
    const request = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=${host}`];
    openssl('req', ...key(`${host}.key`), '-out', `${host}.csr`, ...request);
    const signed = ['-CA', 'signer.pem', '-CAkey', 'signer.key', '-CAcreateserial', '-copy_extensions', 'copy'];
    openssl('x509', '-req', '-in', `${host}.csr`, ...signed, '-out', `${host}.pem`, '-days', '2');
    return { certificate: join(folder, `${host}.pem`), key: join(folder, `${host}.key`) };
  };
}

const noTls = noRegistry ?? (spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed');
test.skipIf(noTls !== undefined)(
  'TLS: only a registry whose certificate is trusted and its own gets anything',
  async () => {
    const certificates = makeCertificates();
    const secure = await DockerRegistry.start(join(folder, 'secure'), undefined, certificates('IP:127.0.0.1'));
    const wrong = await DockerRegistry.start(join(folder, 'wrong'), undefined, certificates('DNS:elsewhere.example'));
    registries.push(secure, wrong);
    const to = `oci://${secure.host}/tls/job`;
    const refused = (stderr: string) => ({ status: 1, stdout: '', stderr: expect.stringContaining(stderr) });
    expect(tool(['push', 'job', to])).toMatchObject(refused('--ca FILE names who has signed it'));
    const ca = ['--ca', 'signer.pem'];
    expect(tool(['push', 'job:2', `oci://${wrong.host}/job`, ...ca])).toMatchObject(
      refused(`${wrong.host}: its certificate is for another host`),
    );
    expect(tool(['push', 'job:2', to, ...ca])).toEqual(done(`${to}:2\n`));
    expect(tool(['pull', to, '--store', 'by-tls', ...ca])).toEqual(done('job:2\n'));
    expect(tool(['restore', `${to}:2`, ...ca], '1000\n')).toEqual(
      done('readline 3 sum 1012\nreadline end after 3 lines\n'),
    );
    expect(tool(['snapshots', to, ...ca]).stdout).toContain('job');
  },
);

test.skipIf(noTls !== undefined)(
  'TLS: what is in the folder of certificates for a registry is trusted, and shown to it',
  async () => {
    const certificates = makeCertificates();
    const own = certificates('IP:127.0.0.1');
    const secure = await DockerRegistry.start(join(folder, 'mutual'), undefined, {
      ...own,
      authority: join(folder, 'signer.pem'),
    });
    registries.push(secure);
    const to = `oci://${secure.host}/tls/job`;
    const config = join(folder, 'config');
    const at = join(config, 'containers/certs.d', secure.host);
    mkdirSync(at, { recursive: true });
    const found = { XDG_CONFIG_HOME: config };
    copyFileSync(join(folder, 'signer.pem'), join(at, 'signer.crt'));
    expect(tool(['push', 'job:2', to], '', found)).toMatchObject({ status: 1, stdout: '' });
    const me = certificates('DNS:me.example');
    copyFileSync(me.certificate, join(at, 'client.cert'));
    copyFileSync(me.key, join(at, 'client.key'));
    expect(tool(['push', 'job:2', to], '', found)).toEqual(done(`${to}:2\n`));
    expect(tool(['restore', `${to}:2`], '1000\n', found)).toEqual(
      done('readline 3 sum 1012\nreadline end after 3 lines\n'),
    );
  },
);

test.each([
  ['pull', (to: string) => ['pull', to, '--store', 'interrupted'], 'the store is as before'],
  ['restore', (to: string) => ['restore', to], 'nothing was started'],
])('%s is interrupted at once while the registry is silent', async (_, argsFor, outcome) => {
  const silent = await FakeRegistry.start();
  try {
    const asked = new Promise<void>((resolve) => {
      silent.fault = ({ url }) => {
        if (!url.includes('/tags/list')) return undefined;
        resolve();
        return { kind: 'wait', until: new Promise(() => {}) };
      };
    });
    const command = spawn(join(root, 'bin/wag-snap'), argsFor(`oci://${silent.host}/job`), { cwd: folder, env });
    const said = new Output(command);
    await asked;
    command.kill('SIGINT');
    const [code] = await once(command, 'close');
    expect([code, said.stderr]).toEqual([1, `wag-snap: interrupted by SIGINT: ${outcome}\n`]);
  } finally {
    await silent.stop();
  }
});

test('push is interrupted at once while the registry is silent, and the store is as before', async () => {
  const fixture = join(root, 'fixtures/snapshots/v3/x64/generations.wsnap');
  expect(tool(['snapshots', 'import', fixture, '-t', 'old', '--store', 'pushed'])).toMatchObject({ status: 0 });
  const contents = () => readdirSync(join(folder, 'pushed'), { recursive: true }).sort();
  const before = contents();
  const silent = await FakeRegistry.start();
  try {
    const asked = new Promise<void>((resolve) => {
      silent.fault = ({ method }) => {
        if (method !== 'PATCH') return undefined;
        resolve();
        return { kind: 'wait', until: new Promise(() => {}) };
      };
    });
    const args = ['push', 'old', `oci://${silent.host}/job`, '--store', 'pushed'];
    const command = spawn(join(root, 'bin/wag-snap'), args, { cwd: folder, env });
    const said = new Output(command);
    await asked;
    command.kill('SIGINT');
    const [code] = await once(command, 'close');
    expect([code, said.stderr]).toEqual([1, 'wag-snap: interrupted by SIGINT: the registry has no new tag\n']);
    expect(silent.manifests.size).toBe(0);
    expect(contents()).toEqual(before);
  } finally {
    await silent.stop();
  }
});

test('where nothing listens, that is said at once', () => {
  expect(tool(['pull', 'oci://127.0.0.1:1/job', '--store', 'nothing'])).toEqual({
    status: 1,
    stdout: '',
    stderr: 'wag-snap: oci://127.0.0.1:1/job: 127.0.0.1:1: nothing listens there\n',
  });
});
