/**
 * A registry in this process (OCI Distribution Specification 1.1), which can do everything wrong: it loses answers, cuts
 * bodies, sends other bytes, and answers what it likes.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What becomes of one request. */
export type Fault =
  /** It is done, and the connection is cut before the answer. */
  | { readonly kind: 'lost' }
  /** So many bytes of the answer's body, or of the request's, come through; then the connection is cut. */
  | { readonly kind: 'cut'; readonly after: number }
  /** So many bytes of the answer's body come; the rest does not, until cutHeld() cuts the connection. */
  | { readonly kind: 'hold'; readonly after: number }
  /** It is done as it should be, but not before something has happened. */
  | { readonly kind: 'wait'; readonly until: Promise<void> }
  /** It is not done; this is the answer. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Buffer;
    };

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export const digestOf = (bytes: Buffer | string) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export class FakeRegistry {
  readonly blobs = new Map<string, Buffer>();
  /** By REPOSITORY:TAG, and REPOSITORY@DIGEST. */
  readonly manifests = new Map<string, Buffer>();
  readonly asked: Asked[] = [];
  /** Decides about each request, in order. */
  fault: (asked: Asked, number: number) => Fault | undefined = () => undefined;
  /** Bytes of bodies that were sent to it. */
  received = 0;
  /** Bytes of blobs that it has sent. */
  sent = 0;
  /** Whether it knows ranges. */
  ranges = true;
  /** The repositories that have a blob. Others can mount it. */
  readonly owners = new Map<string, Set<string>>();
  private held: Socket[] = [];
  private readonly sessions = new Map<string, Buffer>();
  private next = 1;

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => void this.serve(request, response));
  }

  static async start(): Promise<FakeRegistry> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeRegistry(server);
  }

  get host(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  put(repository: string, bytes: Buffer): { digest: string; size: number } {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    this.own(repository, digest);
    return { digest, size: bytes.length };
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  /** Cuts the connections whose answers stand still. */
  cutHeld(): void {
    for (const socket of this.held.splice(0)) socket.destroy();
  }

  private own(repository: string, digest: string): void {
    const all = this.owners.get(digest);
    if (all === undefined) this.owners.set(digest, new Set([repository]));
    else all.add(repository);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers, socket } = request;
    request.on('error', () => {});
    response.on('error', () => {});
    const asked = { method, url, authorization: headers.authorization, range: headers.range };
    const fault = this.fault(asked, this.asked.push(asked) - 1);
    if (fault?.kind === 'answer') {
      request.resume();
      response.writeHead(fault.status, { ...fault.headers }).end(fault.body);
      return;
    }
    if (fault?.kind === 'wait') await fault.until;
    const address = new URL(url, this.url);
    const [, repository = '', what = ''] = /^\/v2\/(.+?)\/((?:blobs|manifests|tags)\/.*)$/.exec(address.pathname) ?? [];
    const isBody = method === 'PATCH' || method === 'PUT' || method === 'POST';
    const session = /^blobs\/uploads\/(.+)$/.exec(what)?.[1];
    const most = fault?.kind === 'cut' && isBody ? fault.after : Infinity;
    const parts: Buffer[] = [];
    let size = 0;
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        parts.push(part.subarray(0, Math.max(0, most - size)));
        size += part.length;
        if (size >= most) break;
      }
    } catch {
      // the client has gone
    }
    const body = Buffer.concat(parts);
    this.received += body.length;
    if (session !== undefined && this.sessions.has(session) && method === 'PATCH') {
      this.sessions.set(session, Buffer.concat([this.sessions.get(session)!, body]));
    }
    if (most !== Infinity) {
      socket.destroy();
      return;
    }
    const answer = this.answer(method, repository, what, session, address.searchParams, headers, body);
    if (fault?.kind === 'lost') {
      socket.destroy();
      return;
    }
    const { status, headers: more = {}, bytes = Buffer.alloc(0) } = answer;
    response.writeHead(status, { 'content-length': bytes.length, ...more });
    if (method === 'HEAD') return void response.end();
    if (fault?.kind === 'cut') {
      this.sent += Math.min(fault.after, bytes.length);
      response.write(bytes.subarray(0, fault.after), () => socket.destroy());
      if (fault.after === 0) response.flushHeaders();
      return;
    }
    if (fault?.kind === 'hold') {
      this.sent += Math.min(fault.after, bytes.length);
      this.held.push(socket);
      response.write(bytes.subarray(0, fault.after));
      return;
    }
    this.sent += bytes.length;
    response.end(bytes);
  }

  private answer(
    method: string,
    repository: string,
    what: string,
    session: string | undefined,
    query: URLSearchParams,
    headers: IncomingMessage['headers'],
    body: Buffer,
  ): { status: number; headers?: Record<string, string>; bytes?: Buffer } {
    const missing = { status: 404, bytes: Buffer.from('{"errors":[{"code":"UNKNOWN","message":"unknown"}]}') };
    const location = (id: string) => ({ location: `/v2/${repository}/blobs/uploads/${id}?state=${id}` });
    if (what === 'tags/list') {
      const prefix = `${repository}:`;
      const tags = [...this.manifests.keys()].flatMap((key) =>
        key.startsWith(prefix) ? key.slice(prefix.length) : [],
      );
      return tags.length === 0
        ? missing
        : { status: 200, bytes: Buffer.from(JSON.stringify({ name: repository, tags })) };
    }
    if (what.startsWith('manifests/')) {
      const reference = what.slice('manifests/'.length);
      const key = `${repository}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`;
      if (method === 'PUT') {
        this.manifests.set(key, body).set(`${repository}@${digestOf(body)}`, body);
        return { status: 201, headers: { 'docker-content-digest': digestOf(body) } };
      }
      const bytes = this.manifests.get(key);
      const type = 'application/vnd.oci.image.manifest.v1+json';
      return bytes === undefined ? missing : { status: 200, headers: { 'content-type': type }, bytes };
    }
    if (what === 'blobs/uploads/' && method === 'POST') {
      const mount = query.get('mount') ?? '';
      if (this.owners.get(mount)?.has(query.get('from') ?? '')) {
        this.own(repository, mount);
        return { status: 201, headers: { location: `/v2/${repository}/blobs/${mount}` } };
      }
      const id = String(this.next++);
      this.sessions.set(id, Buffer.alloc(0));
      return { status: 202, headers: location(id) };
    }
    if (session !== undefined) {
      const sent = this.sessions.get(session);
      if (sent === undefined) return missing;
      const range = { range: `0-${Math.max(0, sent.length - 1)}`, ...location(session) };
      if (method !== 'PUT') return { status: method === 'PATCH' ? 202 : 204, headers: range };
      this.sessions.delete(session);
      const digest = query.get('digest') ?? '';
      if (digestOf(sent) !== digest) {
        return { status: 400, bytes: Buffer.from('{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}') };
      }
      this.put(repository, sent);
      return { status: 201, headers: { 'docker-content-digest': digest } };
    }
    const digest = what.slice('blobs/'.length);
    const bytes = this.owners.get(digest)?.has(repository) ? this.blobs.get(digest) : undefined;
    if (bytes === undefined) return missing;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    if (!this.ranges || from === undefined) return { status: 200, bytes };
    if (Number(from) >= bytes.length) return { status: 416 };
    const part = bytes.subarray(Number(from), to ? Number(to) + 1 : undefined);
    const range = `bytes ${from}-${Number(from) + part.length - 1}/${bytes.length}`;
    return { status: 206, headers: { 'content-range': range }, bytes: part };
  }
}
