/** Options of commands that speak with the lattice. */

import type { ServerOptions } from '../../src/api/lattice.js';
import { once, several, UsageError } from './usage.js';

/** The values from yargs. */
export interface LatticeOptions {
  readonly nats: string | undefined;
  readonly creds: string | undefined;
  readonly nkey: string | undefined;
}

export const latticeOptions = {
  nats: {
    type: 'string',
    requiresArg: true,
    coerce: once('nats'),
    describe: 'URL[,URL]: the NATS servers, nats://HOST:4222 or tls://HOST:4222; default: the variable WAGSNAP_NATS',
  },
  creds: {
    type: 'string',
    requiresArg: true,
    coerce: once('creds'),
    describe: 'FILE: the credentials of a user of NATS',
  },
  nkey: {
    type: 'string',
    requiresArg: true,
    coerce: once('nkey'),
    describe: 'FILE: the seed of an nkey, in place of --creds',
  },
} as const;

/** @throws UsageError when there is no server to ask */
export function parseServer({ nats = process.env['WAGSNAP_NATS'], creds, nkey }: LatticeOptions): ServerOptions {
  if (nats === undefined || nats === '') {
    throw new UsageError('no NATS server was given: --nats URL, or the variable WAGSNAP_NATS', [
      'the lattice keeps its records in NATS JetStream: nats-server --jetstream --store_dir /var/lib/nats',
      'for this machine alone: wag-snap node --embedded starts one, at nats://127.0.0.1:4222',
    ]);
  }
  if (creds !== undefined && nkey !== undefined) throw new UsageError('--creds and --nkey exclude each other');
  return { nats, creds, nkey };
}

/** For a server that the node starts itself. @throws UsageError */
export function parseEmbedded({ nats, creds, nkey }: LatticeOptions): ServerOptions {
  if (creds !== undefined || nkey !== undefined) {
    throw new UsageError(
      '--embedded: its NATS server has no users from files: --nats nats://TOKEN@127.0.0.1:4222 protects it',
    );
  }
  return { nats: nats ?? '' };
}

/** Parses `K=V` of an option that may be repeated. @throws UsageError */
export function parsePairs(option: string, values: string | string[] | undefined): Record<string, string> {
  const pairs = several(values).map((text) => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)] as const;
    throw new UsageError(`--${option} ${text}: expected K=V`);
  });
  return Object.fromEntries(pairs);
}
