/**
 * The way over TCP with TLS 1.3. Each side knows the other by its key's fingerprint alone: names, dates and signers of
 * certificates do not matter. Until a side has recognized the other, it sends nothing to it and takes nothing from it,
 * apart from the handshake.
 *
 *     source                      target
 *     handshake             <-->  handshake: each proves that it has the key that it shows
 *     looks at the key            looks at the key
 *                           <--   ADMITTED, one byte
 *     frames                <-->  frames
 *
 * In TLS 1.3 the source's part of the handshake is complete before the target has seen its key. Without ADMITTED, a
 * source could not distinguish a target that does not know it from a lost link.
 */

import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { systemReason, ToolError } from '../base/errors.js';
import { fingerprintOf } from './fingerprint.js';
import type { HostKeys } from './keys.js';
import type { Peers } from './peers.js';
import type { Link, Transport } from './transport.js';

const ADMITTED = 1;
const PROTOCOL_NAME = 'wag-snap';
/** How long a connection with its handshake may take, in milliseconds. */
const HANDSHAKE = 10_000;
/** After this silence the system asks whether the other side still exists, in milliseconds. */
const KEEP_ALIVE = 15_000;

const COMMON = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ALPNProtocols: [PROTOCOL_NAME],
  rejectUnauthorized: false, // the fingerprint decides
} as const;

export interface TlsAddress {
  readonly host: string;
  readonly port: number;
}

/** This host's keys and peers. Read at the time of connecting, so that errors appear then. */
export interface TlsIdentity {
  readonly keys: HostKeys;
  readonly peers: Peers;
}

export function tlsTransport(address: TlsAddress, identity: () => TlsIdentity): Transport {
  const name = addressText(address);
  return { name, connect: () => reach(address, identity()) };
}

/** `HOST:PORT`, `[IPv6]:PORT`. */
export function addressText({ host, port }: TlsAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** @throws ToolError 'link' when nobody answers, 'peer' when one side does not know the other */
async function reach(address: TlsAddress, { keys, peers }: TlsIdentity): Promise<Link> {
  const name = addressText(address);
  const socket = connect({
    ...COMMON,
    host: address.host,
    port: address.port,
    key: keys.key,
    cert: keys.certificate,
    checkServerIdentity: () => undefined,
  });
  socket.on('error', () => {}); // only the socket's end matters
  const signal = AbortSignal.timeout(HANDSHAKE);
  try {
    await once(socket, 'secureConnect', { signal });
    checkTarget(socket, address.host, name, peers);
    tune(socket);
    await admission(socket, signal, name, keys);
    return link(socket);
  } catch (error) {
    socket.destroy();
    if (error instanceof ToolError) throw error;
    throw new ToolError('link', `${name} cannot be reached: ${failure(error, signal)}`);
  }
}

function checkTarget(socket: TLSSocket, host: string, name: string, peers: Peers): void {
  const shown = peerOf(socket);
  if (shown !== undefined && peers.standsFor(shown, host)) return;
  if (shown === undefined) throw new ToolError('peer', `${name} shows no key that could be known`);
  const what = peers.knowsOther(host)
    ? `${name} has another key than ${peers.where} says: it is another host, or has new keys`
    : `${name} has a key that is not known here`;
  throw new ToolError('peer', `${what}; nothing was sent:`, [
    `  it is ${shown}; if wag-snap keys prints this there:`,
    `  --peer ${shown}, or this and ${host} in a line of the file peers beside this host's keys`,
  ]);
}

/** Waits for the target to say that it knows this host. */
async function admission(socket: TLSSocket, signal: AbortSignal, name: string, keys: HostKeys): Promise<void> {
  const ended = new AbortController();
  const isGone = () => ended.abort();
  for (const event of ['end', 'close', 'error']) socket.once(event, isGone);
  let byte: Buffer | null = null;
  try {
    while ((byte = socket.read(1) as Buffer | null) === null) {
      if (socket.readableEnded || socket.destroyed) break;
      await once(socket, 'readable', { signal: AbortSignal.any([signal, ended.signal]) });
    }
  } catch (error) {
    if (signal.aborted) throw error;
  }
  for (const event of ['end', 'close', 'error']) socket.off(event, isGone);
  if (byte?.[0] === ADMITTED) return;
  if (byte !== null) throw new ToolError('peer', `${name} is no receiver of wag-snap`);
  throw new ToolError('peer', `${name} does not take anything from this host; nothing was sent:`, [
    `  this host is ${keys.fingerprint}; there: receive --peer ${keys.fingerprint}, or this in a line of its file peers`,
  ]);
}

function failure(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `it has not answered for ${HANDSHAKE / 1000} s`;
  const { code = '' } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'nobody listens there',
    ENOTFOUND: 'there is no such host',
    EAI_AGAIN: 'its name cannot be looked up now',
    EHOSTUNREACH: 'no way leads there',
    ENETUNREACH: 'no way leads there',
    ETIMEDOUT: 'it has not answered',
    ECONNRESET: 'it has ended the connection: it is no receiver of wag-snap, or has too many connections',
  };
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') return 'what answers is no receiver of wag-snap (TLS 1.3)';
  return reasons[code] ?? systemReason(error);
}

/** A source that is known. */
export interface Arrival {
  readonly link: Link;
  readonly socket: TLSSocket;
  /** Its address, and its key's fingerprint. */
  readonly address: string;
  readonly fingerprint: string;
}

export interface TlsListenerEvents {
  arrived(arrival: Arrival): void;
  /**
   * Refused: a source that is not known, or does not speak this protocol. @param fingerprint its key's, when it has
   * shown one
   */
  refused(address: string, why: string, fingerprint: string | undefined): void;
}

/** The most connections at the same time. */
const CONNECTIONS_MAX = 256;

export interface TlsListener {
  /** The address, with the actual port. */
  readonly address: TlsAddress;
  /** Ends all connections, and waits for the end of those from needed addresses. */
  close(needed?: ReadonlySet<string>): Promise<void>;
}

/** @throws ToolError when it cannot listen */
export async function listenTls(
  address: TlsAddress,
  { keys, peers }: TlsIdentity,
  events: TlsListenerEvents,
): Promise<TlsListener> {
  const server = createServer({
    ...COMMON,
    key: keys.key,
    cert: keys.certificate,
    requestCert: true,
    handshakeTimeout: HANDSHAKE,
    secureOptions: constants.SSL_OP_NO_TICKET, // each connection shows its key
  });
  const connections = new Set<Socket>();
  /** Those that have not identified themselves, by their addresses, the oldest first: it makes room for a new one. */
  const unknown = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const from = remoteText(socket);
    if (connections.size >= CONNECTIONS_MAX) {
      const [oldest] = unknown.values();
      if (oldest === undefined) return socket.destroy();
      oldest.destroy();
    }
    connections.add(socket);
    unknown.set(from, socket);
    socket.on('close', () => {
      connections.delete(socket);
      unknown.delete(from);
    });
  });
  server.on('secureConnection', (socket) => {
    const from = remoteText(socket);
    unknown.delete(from);
    const fingerprint = peerOf(socket);
    socket.on('error', () => {}); // only the socket's end matters
    if (socket.alpnProtocol !== PROTOCOL_NAME || fingerprint === undefined || !peers.admits(fingerprint)) {
      socket.destroy();
      const why = fingerprint === undefined ? 'it has shown no key' : 'its key is not known here';
      events.refused(from, socket.alpnProtocol === PROTOCOL_NAME ? why : 'it is no wag-snap', fingerprint);
      return;
    }
    tune(socket);
    socket.write(Buffer.of(ADMITTED));
    events.arrived({ link: link(socket), socket, address: from, fingerprint });
  });
  server.on('tlsClientError', (_error, socket) => {
    events.refused(remoteText(socket), 'it does not speak TLS 1.3 as wag-snap does', undefined);
    socket.destroy();
  });
  server.listen({ host: address.host, port: address.port });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new ToolError('listen', `${addressText(address)}: cannot listen: ${systemReason(error)}`);
  }
  const { address: host, port } = server.address() as { address: string; port: number };
  return {
    address: { host, port },
    async close(needed = new Set()) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of connections) if (!needed.has(remoteText(socket))) socket.destroy();
      await closed;
    },
  };
}

function peerOf(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  try {
    return certificate === undefined ? undefined : fingerprintOf(certificate);
  } catch {
    return undefined; // a kind of key that Node does not know
  }
}

function remoteText(socket: { remoteAddress?: string | undefined; remotePort?: number | undefined }): string {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined ? 'somebody' : addressText({ host: remoteAddress, port: remotePort ?? 0 });
}

function tune(socket: TLSSocket): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE);
}

function link(socket: TLSSocket): Link {
  return {
    input: socket,
    output: socket,
    close() {
      socket.destroySoon();
      socket.unref();
    },
  };
}

/** `tls://HOST:PORT`. @returns undefined when the text has another form */
export function parseTls(text: string): TlsAddress | undefined {
  const rest = /^tls:\/\/(.*?)\/?$/.exec(text)?.[1];
  return rest === undefined ? undefined : parseAddress(rest);
}

/** `HOST:PORT`, `[IPv6]:PORT`. @returns undefined when the text has another form */
export function parseAddress(text: string): TlsAddress | undefined {
  const PORT_MAX = 65535;
  const [, six, name, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > PORT_MAX) return undefined;
  return { host: six ?? name, port: Number(port) };
}
