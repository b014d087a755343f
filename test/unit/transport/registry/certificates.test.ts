/** Where certificates for a registry are found, and what is refused there. */

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { findCertificates } from '../../../../src/transport/registry/certificates.js';
import { asLinkError } from '../../../../src/transport/registry/exchange.js';
import { temporaryFolder } from '../../../support/workload.js';

const folder = temporaryFolder();
const HOST = 'h:5000';
const system = [join(folder, 'etc/containers/certs.d'), join(folder, 'etc/docker/certs.d')];
const env = { HOME: join(folder, 'home') };
const find = (more: NodeJS.ProcessEnv = {}, host = HOST) => findCertificates(host, { ...env, ...more }, system);
const PEM = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

function write(path: string, text: string): string {
  const full = join(folder, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  return full;
}

/** A pair of files. */
const [cert, key] = [join(folder, 'pair.pem'), join(folder, 'pair.key')];
beforeAll(() => {
  const names = ['-keyout', key, '-out', cert, '-subj', '/CN=me', '-days', '2'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...names];
  execFileSync('openssl', made, { stdio: 'ignore' });
});
beforeEach(() => {
  for (const name of ['home', 'etc', 'xdg']) rmSync(join(folder, name), { recursive: true, force: true });
});

test('the first folder that is there counts, alone', () => {
  expect(find()).toEqual({ ca: [], cert: [], key: [] });
  write(`etc/docker/certs.d/${HOST}/a.crt`, PEM('docker'));
  write(`etc/docker/certs.d/${HOST}/b.crt`, PEM('more'));
  write(`etc/docker/certs.d/${HOST}/readme.txt`, 'nothing');
  expect(find().ca).toEqual([PEM('docker'), PEM('more')]);
  write(`etc/containers/certs.d/${HOST}/a.crt`, PEM('podman'));
  expect(find().ca).toEqual([PEM('podman')]);
  write(`home/.config/containers/certs.d/${HOST}/a.crt`, PEM('home'));
  expect(find().ca).toEqual([PEM('home')]);
  mkdirSync(join(folder, `xdg/containers/certs.d/${HOST}`), { recursive: true });
  expect(find({ XDG_CONFIG_HOME: join(folder, 'xdg') }).ca).toEqual([]);
  expect(find({}, 'h').ca).toEqual([]);
});

test('a certificate of this machine has a key of the same name', () => {
  const at = `etc/docker/certs.d/${HOST}`;
  write(`${at}/client.cert`, readFileSync(cert, 'utf8'));
  const refused = (message: string) => expect.objectContaining({ code: 'certificate', exitCode: 3, message });
  expect(() => find()).toThrow(refused(`${join(folder, at)}/client.cert: there is no .key of the same name`));
  copyFileSync(key, join(folder, at, 'client.key'));
  expect(find()).toEqual({ ca: [], cert: [readFileSync(cert, 'utf8')], key: [readFileSync(key, 'utf8')] });
  write(`${at}/client.key`, 'nonsense');
  const wrong = `${join(folder, at)}/client.cert: is no certificate, or its .key is no key of it`;
  expect(() => find()).toThrow(refused(wrong));
  rmSync(join(folder, at, 'client.cert'));
  expect(() => find()).toThrow(refused(`${join(folder, at)}/client.key: there is no .cert of the same name`));
});

test('a file that is no certificate is named', () => {
  const path = write(`home/.config/containers/certs.d/${HOST}/a.crt`, 'nonsense');
  expect(() => find()).toThrow(`${path}: has no certificate in PEM`);
});

test.each(['SSLV3_ALERT_BAD_CERTIFICATE', 'TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLSV1_ALERT_UNKNOWN_CA'])(
  'a registry that wants another certificate of this machine: %s',
  (alert) => {
    const error = Object.assign(new Error(alert), { code: `ERR_SSL_${alert}` });
    expect(asLinkError(error, 'oci://h:5000/job', new URL('https://h:5000/v2/'))).toMatchObject({
      code: 'registry-certificate',
      message: expect.stringContaining('NAME.cert and NAME.key in certs.d/h:5000'),
    });
  },
);
