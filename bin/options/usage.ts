/** Parsers for options that several commands share, and errors for wrong usage. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkVariable, type Directory } from '../../src/api/process-options.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { UsageError } from '../../src/base/errors.js';
import { quoted } from '../../src/base/terminal-text.js';

export { UsageError };

/** The values of an option that may be given several times. */
export function several(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** For `coerce` of an option that may be given only once: yargs collects repetitions in an array. */
export function once(name: string, mayBeEmpty = false): <T>(value: T | T[] | undefined) => T | undefined {
  return (value) => {
    if (Array.isArray(value)) throw new UsageError(`--${name} was given more than once`);
    if (value === '' && !mayBeEmpty) throw new UsageError(`--${name} is empty`);
    return value;
  };
}

/** The CPU that --arch names; undefined is this machine's. */
export function parseArch(value: string | undefined): ArchName {
  switch (value?.toLowerCase()) {
    case undefined:
      return process.arch === 'arm64' ? 'arm64' : 'x64';
    case 'x64':
    case 'x86-64':
    case 'x86_64':
    case 'amd64':
      return 'x64';
    case 'arm64':
    case 'aarch64':
      return 'arm64';
    default:
      throw new UsageError(`--arch ${value} is unknown: x64 (also x86-64, amd64) or arm64 (also aarch64)`);
  }
}

/**
 * Parses a --dir: `HOST[::GUEST][:ro|:rw]`. Without GUEST the guest sees the directory under the name HOST, as typed.
 */
export function parseDir(text: string): Directory {
  const readOnly = text.endsWith(':ro');
  const both = readOnly || text.endsWith(':rw') ? text.slice(0, -3) : text;
  const split = both.indexOf('::');
  const host = split < 0 ? both : both.slice(0, split);
  const guest = split < 0 ? both : both.slice(split + 2);
  if (host === '' || guest === '') throw new UsageError(`--dir ${text}: expected HOST[::GUEST][:ro|:rw]`);
  const colon = both.indexOf(':');
  if (split < 0 && colon > 0 && !existsSync(both)) {
    const meant = `${both.slice(0, colon)}::${both.slice(colon + 1)}`;
    throw new UsageError(
      `--dir ${text}: there is no directory ${both}; between HOST and GUEST there are two colons: --dir ${meant}`,
    );
  }
  if (/[\n\0]/.test(text) || guest.includes('::'))
    throw new UsageError(`--dir ${quoted(text)}: names must not contain line breaks, NUL or ::`);
  return { host: resolve(host), guest, readOnly };
}

/** The guest's environment from the --env options, in order; the last value of a name counts. */
export function parseEnv(options: readonly string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const option of options) {
    const split = option.indexOf('=');
    if (split < 1) throw new UsageError(`--env ${option}: expected K=V`);
    const name = option.slice(0, split);
    checkVariable(name);
    env[name] = option.slice(split + 1);
  }
  return env;
}
