/**
 * Tells a registry who asks, once it wants to know: by a user and a password, or by a token that another service gives
 * for them (docker's token authentication; OCI Distribution Specification 1.1 leaves that to registries).
 *
 * Secrets are in two places only: here, and in the Authorization header of requests to the registry itself and to the
 * service that it names.
 */

import * as z from 'zod';
import { ToolError } from '../../base/errors.js';
import { quoted } from '../../base/terminal-text.js';
import { type Challenge, parseChallenges } from './challenge.js';
import type { Credential } from './credential.js';
import { badAnswer, RegistryError, statusError } from './errors.js';
import { exchange, type Link, readDocument } from './exchange.js';
import { isLoopback } from './reference.js';

const TOKEN_MAX = 1 << 20;
const CLIENT = 'wag-snap';
const tokenSchema = z.looseObject({ token: z.string().optional(), access_token: z.string().optional() });

export interface AuthorizationSettings {
  readonly link: Link;
  /** Of the registry, for messages. */
  readonly where: string;
  /** What is asked for: `repository:NAME:pull`, several with spaces between. */
  readonly scope: string;
  /** Finds the user's login. */
  readonly credential: () => Promise<Credential | undefined>;
  readonly plainHttp: boolean;
  readonly signal: AbortSignal | undefined;
}

export class Authorization {
  /** The header of requests; undefined: none was asked for. */
  header: string | undefined;
  private pending: Promise<void> | undefined;

  constructor(private readonly settings: AuthorizationSettings) {}

  /**
   * Answers a refusal (401).
   *
   * @param wanted WWW-Authenticate
   * @param sent the header that was refused
   * @returns whether another try may succeed
   * @throws RegistryError, InputError, ToolError
   */
  async answer(wanted: string | undefined, sent: string | undefined): Promise<boolean> {
    if (this.header !== sent) return true; // renewed meanwhile
    const before = this.header;
    this.pending ??= this.renew(parseChallenges(wanted)).finally(() => {
      this.pending = undefined;
    });
    await this.pending;
    return this.header !== undefined && (this.header !== before || this.header.startsWith('Bearer '));
  }

  private async renew(challenges: readonly Challenge[]): Promise<void> {
    const credential = await this.settings.credential();
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    if (credential !== undefined && 'registryToken' in credential) {
      this.header = `Bearer ${headerText(credential.registryToken)}`;
    } else if (bearer !== undefined) {
      this.header = `Bearer ${headerText(await this.token(bearer, credential))}`;
    } else if (challenges.some(({ scheme }) => scheme === 'basic') && credential !== undefined) {
      this.header = 'user' in credential ? basic(credential) : undefined;
    }
  }

  private async token({ parameters }: Challenge, credential: Credential | undefined): Promise<string> {
    const { link, scope, signal } = this.settings;
    const url = this.realm(parameters.get('realm') ?? '');
    const where = `the token service ${url.origin}`;
    const service = parameters.get('service') ?? '';
    const fields = new URLSearchParams(service === '' ? {} : { service });
    const headers: Record<string, string> = {};
    let body: Buffer | undefined;
    if (credential !== undefined && 'identityToken' in credential) {
      fields.set('grant_type', 'refresh_token');
      fields.set('client_id', CLIENT);
      fields.set('scope', scope);
      fields.set('refresh_token', credential.identityToken);
      body = Buffer.from(fields.toString());
      headers['content-type'] = 'application/x-www-form-urlencoded';
    } else {
      for (const [name, value] of fields) url.searchParams.set(name, value);
      for (const one of scope.split(' ')) url.searchParams.append('scope', one);
      if (credential !== undefined && 'user' in credential) headers['authorization'] = basic(credential);
    }
    const method = body === undefined ? 'GET' : 'POST';
    const response = await exchange(link, url, where, { method, headers, body, signal });
    const { statusCode = 0 } = response;
    const text = (await readDocument(response, TOKEN_MAX, where)).toString('utf8');
    if (statusCode !== 200) throw this.refused(url, statusError(where, 'a token', statusCode, response.headers, text));
    return tokenOf(text, where);
  }

  /** The user logs in to the registry, not to its token service. */
  private refused(url: URL, error: RegistryError): RegistryError {
    if (error.isTransient) return error;
    const { where } = this.settings;
    const host = where.replace(/^oci:\/\//, '').split('/')[0];
    return new RegistryError(
      'registry-denied',
      `${where}: its token service ${url.host} answers ${error.status}: docker login ${host} or podman login ${host} keeps a user and a password for it`,
      [],
      error.status,
    );
  }

  /** @throws InputError for an address to which no secret may go */
  private realm(text: string): URL {
    const { where, plainHttp } = this.settings;
    let url: URL;
    try {
      url = new URL(text);
    } catch {
      throw badAnswer(where, `wants tokens of ${quoted(text.slice(0, 200))}, which is no address`);
    }
    const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && (plainHttp || isLoopback(url.host)));
    if (!isSafe || url.username !== '' || url.password !== '') {
      throw badAnswer(where, `wants tokens of ${quoted(url.origin)}, to which no login is sent: it is not https`);
    }
    return url;
  }
}

function tokenOf(text: string, where: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // told below, without a word of it
  }
  const { data } = tokenSchema.safeParse(value);
  const token = data?.token || data?.access_token;
  if (token) return token;
  throw badAnswer(where, 'answers without a token');
}

function basic({ user, password }: { readonly user: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** @throws ToolError for what no header can hold, without saying it */
function headerText(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ToolError('credentials', 'the token for the registry has characters that no token has');
}
