/**
 * Certificates for one registry, where docker and podman keep them. The first of these folders that is there counts:
 *
 *     $XDG_CONFIG_HOME/containers/certs.d/HOST[:PORT]         default: ~/.config
 *     /etc/containers/certs.d/HOST[:PORT]                     containers-certs.d(5)
 *     /etc/docker/certs.d/HOST[:PORT]
 *
 *     *.crt            authorities that are trusted besides the usual ones
 *     *.cert, *.key    by which this machine shows who it is: two files of the same name
 */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { InputError, reading } from '../../base/errors.js';
import { configFolder } from './credentials.js';

const SYSTEM = ['/etc/containers/certs.d', '/etc/docker/certs.d'];
const FILE_MAX = 16 << 20;
/** Errors of folders that are not there, or not for this user. */
const ABSENT = ['ENOENT', 'ENOTDIR', 'EACCES'];
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/;

export interface Certificates {
  /** In PEM. */
  readonly ca: readonly string[];
  /** Chains in PEM, and a key for each. */
  readonly cert: readonly string[];
  readonly key: readonly string[];
}

/**
 * @param env the environment of the tool @param system folders of the machine
 * @throws InputError for files that are no certificates or keys, or have no partner; ToolError
 */
export function findCertificates(
  host: string,
  env: NodeJS.ProcessEnv = process.env,
  system: readonly string[] = SYSTEM,
): Certificates {
  const config = configFolder(env);
  const own = config ? [join(config, 'containers/certs.d')] : [];
  for (const parent of [...own, ...system]) {
    const folder = join(parent, host);
    const names = namesIn(folder);
    if (names !== undefined) return readFolder(folder, names);
  }
  return { ca: [], cert: [], key: [] };
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (ABSENT.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    return reading(folder, () => {
      throw error;
    });
  }
}

function readFolder(folder: string, names: readonly string[]): Certificates {
  const ending = (end: string) => names.filter((name) => name.endsWith(end)).map((name) => name.slice(0, -end.length));
  const [authorities, chains, keys] = [ending('.crt'), ending('.cert'), ending('.key')];
  const alone = [
    ...chains.filter((name) => !keys.includes(name)).map((name) => [`${name}.cert`, '.key']),
    ...keys.filter((name) => !chains.includes(name)).map((name) => [`${name}.key`, '.cert']),
  ];
  if (alone.length > 0) {
    const [[name, other]] = alone;
    throw new InputError('certificate', `${join(folder, name)}: there is no ${other} of the same name`);
  }
  return {
    ca: authorities.map((name) => readCertificates(join(folder, `${name}.crt`))),
    ...readPairs(folder, chains),
  };
}

function readPairs(folder: string, names: readonly string[]): Pick<Certificates, 'cert' | 'key'> {
  const [cert, key]: [string[], string[]] = [[], []];
  for (const name of names) {
    const path = join(folder, `${name}.cert`);
    cert.push(readCertificates(path));
    key.push(readText(join(folder, `${name}.key`)));
    try {
      createSecureContext({ cert: cert.at(-1)!, key: key.at(-1)! });
    } catch {
      throw new InputError('certificate', `${path}: is no certificate, or its .key is no key of it`);
    }
  }
  return { cert, key };
}

/** @returns PEM. @throws InputError, ToolError */
export function readCertificates(path: string): string {
  const text = readText(path);
  if (CERTIFICATE.test(text)) return text;
  throw new InputError('certificate', `${path}: has no certificate in PEM`);
}

function readText(path: string): string {
  return reading(path, () => {
    if (!statSync(path).isFile() || statSync(path).size > FILE_MAX) {
      throw new InputError('certificate', `${path}: is no file of certificates`);
    }
    return readFileSync(path, 'utf8');
  });
}
