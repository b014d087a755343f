/** Where NATS is, as the user says it: URLs, in which a user and a password may be. */

import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';

/** For the NATS client. */
export interface ServerAddress {
  readonly servers: string[];
  /** With it the client ends rather than speak without TLS. */
  readonly tls?: object;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** `nats://` or `tls://`, which may be left out, a user with a password, or a token; host; port. */
const URL_FORM =
  /^(?:(nats|tls):\/\/)?(?:([^@/:\s]*)(?::([^@/\s]*))?@)?((?:\[[0-9a-fA-F:.]+\]|[^@/:\s]+)(?::\d{1,5})?)\/?$/;

/**
 * @param nats URLs, separated by commas. If one of them demands TLS, all do.
 * @throws UsageError for another scheme, or what is no URL. The message names no password
 */
export function parseAddress(nats: string): ServerAddress {
  const servers: string[] = [];
  let address: Omit<ServerAddress, 'servers'> = {};
  for (const one of nats.split(',').map((text) => text.trim())) {
    const [, scheme, user, pass, host] = URL_FORM.exec(one) ?? [];
    if (host === undefined) {
      throw new UsageError(
        `${quoted(withoutPasswords(one))} is no NATS server: expected nats://HOST:PORT or tls://HOST:PORT`,
      );
    }
    servers.push(host);
    if (scheme === 'tls') address = { ...address, tls: {} };
    if (pass !== undefined) address = { ...address, user: decoded(user ?? ''), pass: decoded(pass) };
    else if (user !== undefined) address = { ...address, token: decoded(user) };
  }
  return { servers, ...address };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The servers' URLs without users, passwords and tokens, for messages. */
export function withoutPasswords(nats: string): string {
  return nats.replaceAll(/[^/,\s]*@/g, '');
}
