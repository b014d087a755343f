/** One request over HTTP, and its answer. Follows nothing, tries nothing twice, knows no credentials. */

import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { ownPackage } from '../../base/package.js';
import { trace } from '../../base/trace.js';
import type { Certificates } from './certificates.js';
import { badAnswer, linkError, RegistryError } from './errors.js';

/** Milliseconds in which something must move. */
export const IDLE = 60_000;
/** Milliseconds in which a connection must be there. */
const CONNECT = 15_000;
/** Milliseconds in which a document must have come. */
const DOCUMENT_TIME = 120_000;
const SOCKETS = 8;

/** How hosts are reached. */
export interface Link {
  readonly http: http.Agent;
  readonly https: https.Agent;
  /** For the registry itself. */
  readonly registry: { readonly host: string; readonly https: https.Agent };
  readonly idle: number;
  /** Hosts that have answered: HOST:PORT. */
  readonly known: Set<string>;
}

export interface Exchange {
  readonly method: string;
  readonly headers?: OutgoingHttpHeaders | undefined;
  readonly body?: Readable | Buffer | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds, if the answer may take longer than usual. */
  readonly idle?: number | undefined;
}

/**
 * Call close() at the end.
 *
 * @param host HOST or HOST:PORT: the only one to which this machine shows who it is
 */
export function openLink(
  host: string,
  { ca, cert = [], key = [] }: Partial<Certificates> = {},
  idle = IDLE,
): Link & { close(): void } {
  const options = { keepAlive: true, maxSockets: SOCKETS };
  const trusting = { ...options, ...(ca === undefined ? {} : { ca: [...ca] }) };
  const secret = { ...trusting, ...(cert.length === 0 ? {} : { cert: [...cert], key: [...key] }) };
  const own = {
    http: new http.Agent(options),
    https: new https.Agent(trusting),
    registry: { host: new URL(`https://${host}`).host, https: new https.Agent(secret) },
  };
  return {
    ...own,
    idle,
    known: new Set(),
    close: () => {
      own.http.destroy();
      own.https.destroy();
      own.registry.https.destroy();
    },
  };
}

/**
 * The answer, whose body is still to be read or destroyed.
 *
 * @param where for messages
 * @throws RegistryError 'registry-link'; 'registry-unreached' when there was no connection to a host that has never
 * answered: most likely its name is wrong, and no other try would help
 */
export function exchange(
  link: Link,
  url: URL,
  where: string,
  { method, headers, body, signal, idle = link.idle }: Exchange,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const isSecure = url.protocol === 'https:';
    let answer: IncomingMessage | undefined;
    const secure = url.host === link.registry.host ? link.registry.https : link.https;
    const request = (isSecure ? https : http).request(url, {
      method,
      agent: isSecure ? secure : link.http,
      headers: { 'user-agent': `wag-snap/${ownPackage().version}`, 'accept-encoding': 'identity', ...headers },
      timeout: idle,
      ...(signal === undefined ? {} : { signal }),
    });
    let limit = idle;
    request.on('socket', (socket) => {
      if (!socket.connecting || idle <= CONNECT) return;
      limit = CONNECT;
      socket.setTimeout(limit);
      socket.once('connect', () => {
        limit = idle;
        socket.setTimeout(limit);
      });
    });
    request.on('timeout', () => {
      const late = Object.assign(new Error('late'), { code: 'ETIMEDOUT' });
      const error =
        limit < idle
          ? late
          : linkError(where, `nothing has come from ${url.host} for ${Math.round(idle / 1000)} seconds`);
      answer?.destroy(error);
      request.destroy(error);
    });
    request.on('error', (error) => {
      if (body !== undefined && !Buffer.isBuffer(body)) body.destroy();
      const { code = '' } = error as NodeJS.ErrnoException;
      const isUnreached = UNREACHED.includes(code) && !link.known.has(url.host);
      reject(
        isUnreached
          ? new RegistryError('registry-unreached', `${where}: ${url.host}: ${REASONS[code]}`)
          : asLinkError(error, where, url),
      );
    });
    request.on('response', (response) => {
      answer = response;
      link.known.add(url.host);
      // the query of a storage's address is a secret
      trace('registry', () => `${method} ${url.host}${url.pathname} ${response.statusCode}`);
      resolve(response);
    });
    if (body === undefined || Buffer.isBuffer(body)) request.end(body);
    else pipeline(body, request, () => {}); // its errors are the request's
  });
}

/**
 * Reads a document.
 *
 * @param max bytes that it may have
 * @throws InputError when it has more; RegistryError 'registry-link' when it ends early or does not come
 */
export async function readDocument(response: IncomingMessage, max: number, where: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  const late = setTimeout(() => {
    response.destroy(linkError(where, `a document did not come in ${DOCUMENT_TIME / 1000} seconds`));
  }, DOCUMENT_TIME);
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > max) throw badAnswer(where, `the registry sends a document of more than ${max} bytes`);
      parts.push(part);
    }
  } catch (error) {
    throw asLinkError(error, where);
  } finally {
    clearTimeout(late);
    response.destroy();
  }
  return Buffer.concat(parts);
}

/** What a failed request or body means. Errors of ours stay as they are. */
export function asLinkError(error: unknown, where: string, url?: URL): unknown {
  const { code, message, name, syscall } = error as NodeJS.ErrnoException;
  if ('headline' in (error as object) || name === 'AbortError') return error;
  const known = REASONS[code ?? ''];
  const host = url === undefined ? 'the registry' : url.host;
  if (known !== undefined) return linkError(where, `${host}: ${known}`);
  if (WANTS_CERTIFICATE.test(code ?? '')) {
    const why = 'it wants a certificate of this machine that it trusts: NAME.cert and NAME.key in certs.d/HOST';
    return new RegistryError('registry-certificate', `${where}: ${host}: ${why.replace('HOST', host)}`);
  }
  if (isCertificateError(code)) {
    // no other try would help
    return new RegistryError('registry-certificate', `${where}: ${host}: ${certificateText(code)}`);
  }
  if (code === undefined && syscall === undefined) return error;
  return linkError(where, `${host}: ${message}`);
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EHOSTUNREACH: 'no way leads to that host',
  ENETUNREACH: 'no way leads to that host',
  ETIMEDOUT: 'it does not answer',
};
/** Those of a host to which there is no connection. */
const UNREACHED = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'];

const WANTS_CERTIFICATE = /^ERR_SSL_.*ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA)$/;

function certificateText(code = ''): string {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'its certificate is for another host';
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet, or the clock of this machine is wrong';
  return `its certificate is not trusted (${code}): --ca FILE names who has signed it`;
}

function isCertificateError(code = ''): boolean {
  return /CERT|SELF_SIGNED|ISSUER|ALTNAME|^UNABLE_TO_/.test(code);
}
