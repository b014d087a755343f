/**
 * The hosts that may send to this one and receive from it: their keys' fingerprints, each with the destinations that it
 * stands for.
 *
 *     # one line each
 *     SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDTWlVpSqQIs0M3qtk   other other.example.net
 *     SHA256:Vy8JQGJbRcXTbQwCZVKOIg1DzLbRhXUfl0/6X0mYBJg
 *
 * A destination may have the key of any host with its name, or of any host without names.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, reading, UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { isFingerprint } from './fingerprint.js';

export interface Peer {
  readonly fingerprint: string;
  /** Names of destinations; none: all. */
  readonly hosts: readonly string[];
}

export class Peers {
  /** @param where the file or option that names them, for messages */
  constructor(
    private readonly all: readonly Peer[],
    readonly where: string,
  ) {}

  get count(): number {
    return this.all.length;
  }

  /** Whether a host with this key may send to this one. */
  admits(fingerprint: string): boolean {
    return this.all.some((peer) => peer.fingerprint === fingerprint);
  }

  /** Whether a host with this key may be the destination of this name. */
  standsFor(fingerprint: string, host: string): boolean {
    return this.all.some((peer) => {
      return peer.fingerprint === fingerprint && (peer.hosts.length === 0 || peer.hosts.includes(host.toLowerCase()));
    });
  }

  /** Whether another key is listed for the name. */
  knowsOther(host: string): boolean {
    return this.all.some((peer) => peer.hosts.includes(host.toLowerCase()));
  }
}

/** Peers that come and go. */
export class ChangingPeers extends Peers {
  /** @param isKnown whether a host with this key may send now */
  constructor(
    private readonly isKnown: (fingerprint: string) => boolean,
    where: string,
  ) {
    super([], where);
  }

  override admits(fingerprint: string): boolean {
    return this.isKnown(fingerprint);
  }
}

/**
 * The peers that were named, or those of the folder's file.
 *
 * @throws UsageError, InputError for invalid fingerprints; ToolError
 */
export function readPeers(folder: string, named: readonly string[] = []): Peers {
  for (const text of named) {
    if (!isFingerprint(text)) throw new UsageError(`--peer ${quoted(text)}: ${EXPECTED}`);
  }
  if (named.length > 0)
    return new Peers(
      named.map((fingerprint) => ({ fingerprint, hosts: [] })),
      '--peer',
    );
  const path = join(folder, 'peers');
  return new Peers(
    parsePeers(
      path,
      reading(path, () => textOf(path)),
    ),
    path,
  );
}

const EXPECTED = 'expected what wag-snap keys prints on the other host, SHA256: and 43 characters';

/** @throws InputError */
export function parsePeers(path: string, text: string): Peer[] {
  return text.split('\n').flatMap((line, index) => {
    const [fingerprint = '', ...hosts] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (fingerprint === '') return [];
    if (isFingerprint(fingerprint)) return [{ fingerprint, hosts: hosts.map((host) => host.toLowerCase()) }];
    throw new InputError('peers', `${path}, line ${index + 1}: ${quoted(fingerprint)}: ${EXPECTED}`);
  });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
