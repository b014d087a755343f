/**
 * A repository of a registry (OCI Distribution Specification 1.1): requests with the user's login, redirects, and
 * manifests. What a registry sends is hostile input.
 *
 * Redirects are followed for reading only. The login goes to the registry alone, never to where it leads.
 */

import { createHash } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { quoted } from '../../base/terminal-text.js';
import { Authorization } from './authorization.js';
import { blobText, type RemoteBlob } from './blob.js';
import type { Certificates } from './certificates.js';
import type { Credential } from './credential.js';
import { findCredential } from './credentials.js';
import { badAnswer, linkError, RegistryError, statusError } from './errors.js';
import { exchange, IDLE, openLink, readDocument } from './exchange.js';
import { isLoopback, type RegistryReference, registryText } from './reference.js';
import { Patience, type Pause, persistently } from './retry.js';

/** Bytes of a manifest, and of other documents. */
export const DOCUMENT_MAX = 4 << 20;
/** Bytes of an error's text. */
const ERROR_MAX = 1 << 16;
const REDIRECTS = 5;
const REDIRECTING = [301, 302, 303, 307, 308];
/** Milliseconds in which a server of this machine answers whether it speaks TLS. */
const PROBE = 10_000;
/** What is said of a server that does not speak TLS. */
const NO_TLS = /SSL|TLS|EPROTO|was cut/;

export interface RegistrySettings {
  readonly access: 'pull' | 'push';
  /** http to any host. Without it only to this machine, if that does not speak https. */
  readonly plainHttp?: boolean | undefined;
  /** `ca`: all that are believed; undefined: the usual ones. `cert`, `key`: what the registry is shown. */
  readonly certificates?: Partial<Certificates> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For tests. */
  readonly pause?: Pause | undefined;
  readonly idle?: number | undefined;
  readonly credential?: (() => Promise<Credential | undefined>) | undefined;
}

export interface Request {
  readonly method: string;
  readonly headers?: OutgoingHttpHeaders | undefined;
  /** Made anew for each try. */
  readonly body?: (() => Readable | Buffer) | undefined;
  /** Statuses that are answers; all others are errors. */
  readonly expect: readonly number[];
  /** For messages: `blob sha256:…`. */
  readonly what: string;
  /** Another repository that is read, too. */
  readonly from?: string | undefined;
  readonly idle?: number | undefined;
}

export interface RemoteManifest {
  readonly text: string;
  readonly digest: string;
  readonly mediaType: string;
}

export class RegistryClient {
  /** For messages, without a tag. */
  readonly where: string;
  private readonly link: ReturnType<typeof openLink>;
  /** By the other repository that is read, if there is one. */
  private readonly authorizations = new Map<string | undefined, Authorization>();
  private credential: Promise<Credential | undefined> | undefined;
  private base: Promise<URL> | undefined;
  private readonly own = new AbortController();
  /** Aborted when the user, or abandon(), gives up. */
  readonly signal: AbortSignal;

  constructor(
    readonly reference: RegistryReference,
    private readonly settings: RegistrySettings,
  ) {
    const { signal } = settings;
    this.signal = signal === undefined ? this.own.signal : AbortSignal.any([signal, this.own.signal]);
    this.where = registryText({ ...reference, tag: undefined, digest: undefined });
    this.link = openLink(reference.host, settings.certificates, settings.idle ?? IDLE);
  }

  /** @param from another repository that is read: who may not read it may still use this one */
  private authorization(from: string | undefined): Authorization {
    const there = this.authorizations.get(from);
    if (there !== undefined) return there;
    const { reference, settings, link, where, signal } = this;
    const own = `repository:${reference.repository}:${settings.access === 'push' ? 'pull,push' : 'pull'}`;
    const made = new Authorization({
      ...{ link, where, signal },
      scope: from === undefined ? own : `${own} repository:${from}:pull`,
      credential: () => {
        this.credential ??= (settings.credential ?? (() => findCredential(reference)))();
        return this.credential;
      },
      plainHttp: settings.plainHttp ?? false,
    });
    this.authorizations.set(from, made);
    return made;
  }

  patience(): Patience {
    return new Patience(this.signal, this.settings.pause);
  }

  /** A whole address below the repository's. */
  async addressNow(path: string): Promise<URL> {
    return new URL(`/v2/${this.reference.repository}/${path}`, await this.origin());
  }

  /** Gives up everything that is under way. */
  abandon(): void {
    this.own.abort();
  }

  /** Ends all connections. */
  close(): void {
    this.link.close();
  }

  /**
   * The answer to one request, with one of the expected statuses. Its body is still to be read or destroyed.
   *
   * @param path below the repository's, or a whole address that the registry has given
   * @throws RegistryError, InputError
   */
  async send(path: string | URL, request: Request): Promise<IncomingMessage> {
    const base = await this.origin();
    const authorization = this.authorization(request.from);
    let url = typeof path === 'string' ? await this.addressNow(path) : path;
    let refused = 0;
    for (let redirects = 0; ; ) {
      const isOwn = url.origin === base.origin;
      const sent = isOwn ? authorization.header : undefined;
      const response = await exchange(this.link, url, this.where, {
        method: request.method,
        headers: sent === undefined ? request.headers : { ...request.headers, authorization: sent },
        body: request.body?.(),
        signal: this.signal,
        idle: request.idle,
      });
      const status = response.statusCode ?? 0;
      if (request.expect.includes(status)) return response;
      if (status === 401 && isOwn && refused++ < 2) {
        response.destroy();
        if (await authorization.answer(response.headers['www-authenticate'], sent)) continue;
      }
      const isReading = request.method === 'GET' || request.method === 'HEAD';
      if (REDIRECTING.includes(status) && isReading && redirects++ < REDIRECTS) {
        response.destroy();
        url = this.addressIn(response, url);
        continue;
      }
      const body = response.destroyed ? '' : await readDocument(response, ERROR_MAX, this.where).catch(() => '');
      throw statusError(this.where, request.what, status, response.headers, body.toString());
    }
  }

  /** As send, again and again as long as that may help. For what may be done twice. */
  sendAgain(path: string | URL, request: Request): Promise<IncomingMessage> {
    return persistently(this.patience(), () => this.send(path, request));
  }

  /** As sendAgain, and reads the whole answer, which is small. */
  document(path: string | URL, request: Request): Promise<{ response: IncomingMessage; bytes: Buffer }> {
    return persistently(this.patience(), async () => {
      const response = await this.send(path, request);
      return { response, bytes: await readDocument(response, DOCUMENT_MAX, this.where) };
    });
  }

  /**
   * The address that an answer names in Location.
   *
   * @param from the address that has answered
   * @throws InputError for one to which nothing is sent
   */
  addressIn({ headers: { location } }: IncomingMessage, from: URL): URL {
    let url: URL;
    try {
      url = new URL(location ?? '', from);
    } catch {
      throw badAnswer(this.where, `leads to ${quoted(String(location).slice(0, 200))}, which is no address`);
    }
    const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && from.protocol === 'http:');
    if (location === undefined || !isSafe || url.username !== '' || url.password !== '') {
      throw badAnswer(this.where, `leads to ${quoted(url.origin)}, to which nothing is sent: it is not https`);
    }
    return url;
  }

  /**
   * @param reference a tag or a digest
   * @param types media types that are wanted
   * @returns undefined when there is none
   * @throws InputError when it is not what the digest says
   */
  async manifest(reference: string, types: readonly string[]): Promise<RemoteManifest | undefined> {
    const { response, bytes } = await this.document(`manifests/${reference}`, {
      method: 'GET',
      headers: { accept: types.join(', ') },
      expect: [200, 404],
      what: `manifest ${reference}`,
    });
    if (response.statusCode === 404) return undefined;
    const digest = sha256(bytes);
    const said = reference.startsWith('sha256:') ? reference : response.headers['docker-content-digest'];
    if (typeof said === 'string' && said.startsWith('sha256:') && said !== digest) {
      throw badAnswer(this.where, `manifest ${reference}: damaged: its digest is ${digest}, not ${quoted(said)}`);
    }
    const mediaType = (response.headers['content-type'] ?? '').split(';')[0].trim();
    return { text: bytes.toString('utf8'), digest, mediaType };
  }

  /** The text of a small blob. @throws InputError when it is too large, or not what its digest says */
  async smallBlob(blob: RemoteBlob): Promise<string> {
    const what = blobText(blob);
    if (blob.size > DOCUMENT_MAX) throw badAnswer(this.where, `${what}: is too large for a document`);
    const { bytes } = await this.document(`blobs/${blob.digest}`, { method: 'GET', expect: [200], what });
    if (sha256(bytes) === blob.digest) return bytes.toString('utf8');
    throw badAnswer(this.where, `${what}: damaged: its digest is ${sha256(bytes)}`);
  }

  /**
   * A part of a blob. Nothing tells whether it is right: only the whole has a digest.
   *
   * @throws InputError when something else comes; RegistryError
   */
  range(blob: RemoteBlob, from: number, to: number): Promise<Buffer> {
    const what = blobText(blob);
    return persistently(this.patience(), async () => {
      const response = await this.send(`blobs/${blob.digest}`, {
        method: 'GET',
        headers: { range: `bytes=${from}-${to - 1}` },
        expect: [200, 206],
        what,
      });
      if (response.statusCode === 200) {
        response.destroy();
        throw new RegistryError('registry-ranges', `${this.where}: the registry sends no parts of blobs`);
      }
      if (response.headers['content-range'] !== `bytes ${from}-${to - 1}/${blob.size}`) {
        response.destroy();
        throw badAnswer(this.where, `${what}: another range has come than was asked for`);
      }
      const bytes = await readDocument(response, to - from, this.where);
      if (bytes.length === to - from) return bytes;
      throw linkError(this.where, `${what}: ended after ${bytes.length} of ${to - from} bytes`);
    });
  }

  /** Makes a tag lead to a manifest. @returns its digest */
  async putManifest(tag: string, text: string, mediaType: string): Promise<string> {
    const bytes = Buffer.from(text);
    const digest = sha256(bytes);
    const { response } = await this.document(`manifests/${tag}`, {
      method: 'PUT',
      headers: { 'content-type': mediaType, 'content-length': bytes.length },
      body: () => bytes,
      expect: [200, 201, 202],
      what: `manifest ${tag}`,
    });
    const said = response.headers['docker-content-digest'];
    if (said === undefined || said === digest) return digest;
    throw badAnswer(this.where, `manifest ${tag}: has arrived as ${quoted(String(said))}, not as ${digest}`);
  }

  /** The registry's address. */
  private origin(): Promise<URL> {
    this.base ??= this.findOrigin();
    return this.base;
  }

  /** http is spoken where the user wants it, and to this machine if it does not answer in TLS: nobody is between. */
  private async findOrigin(): Promise<URL> {
    const { host } = this.reference;
    const [plain, secure] = [new URL(`http://${host}`), new URL(`https://${host}`)];
    if (this.settings.plainHttp) return plain;
    if (!isLoopback(host)) return secure;
    const { signal } = this;
    return persistently(this.patience(), async () => {
      try {
        const url = new URL('/v2/', secure);
        (await exchange(this.link, url, this.where, { method: 'GET', signal, idle: PROBE })).destroy();
        return secure;
      } catch (error) {
        const isUnderstood = error instanceof RegistryError && error.code !== 'registry-certificate';
        if (isUnderstood && NO_TLS.test(error.message)) return plain;
        throw error;
      }
    });
  }
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
