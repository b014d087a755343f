/**
 * NATS JetStream, as far as the lattice needs it: the bucket of records, the store of modules, the stream of what jobs
 * print. Everything is on disk there.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { type ObjectStore, Objm } from '@nats-io/obj';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nanos,
  nkeyAuthenticator,
} from '@nats-io/transport-node';
import { InputError, reading, ToolError, WagSnapError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { afterElection } from './election.js';
import { isWrongSequence, LOGS, LogWriter, logSubject } from './log-writer.js';
import { decodeRecord, encodeRecord, isJobName, isNodeName } from './record-format.js';
import { type RecordNews, RecordWatch } from './record-watch.js';
import type { JobRecord, NodeRecord } from './records.js';
import { parseAddress, withoutPasswords } from './server-address.js';
import type { LogPiece, ServerOptions } from './server-options.js';
import { jobKey, nodeKey } from './state.js';

export type { RecordNews };

const RECORDS = 'wagsnap';
const MODULES = 'wagsnap-modules';
/** Pieces that are kept of each job. */
const LOG_PIECES = 20_000;
/** Milliseconds between looks at whether what is read was removed meanwhile. */
const LOG_LOOK = 1000;
/** Copies in a cluster: with three, one may be lost. */
const REPLICAS = 3;

export interface AllRecords {
  /** By name. */
  readonly nodes: readonly NodeRecord[];
  readonly jobs: readonly JobRecord[];
  /** Milliseconds since each node's record was written. */
  readonly silence: ReadonlyMap<string, number>;
  /** The same of jobs. */
  readonly ages: ReadonlyMap<string, number>;
}

export class LatticeServer {
  private watching: RecordWatch | undefined;

  private constructor(
    private readonly nc: NatsConnection,
    private readonly js: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly records: KV,
    private readonly modules: ObjectStore,
  ) {}

  /** @throws ToolError 'nats' when there is no server, or it has no JetStream; InputError for wrong credentials */
  static async connect(options: ServerOptions): Promise<LatticeServer> {
    const { nats } = options;
    const address = parseAddress(nats);
    let nc: NatsConnection | undefined;
    try {
      const authenticator = authenticatorOf(options);
      nc = await connect({
        ...address,
        name: 'wag-snap',
        maxReconnectAttempts: -1,
        reconnectTimeWait: 200,
        timeout: 5000,
        pingInterval: 5000,
        noAsyncTraces: true, // else each request makes a stack trace that nobody sees
        ...(authenticator && { authenticator }),
      });
      const connection = nc;
      return await afterElection(isCluster(connection), () => LatticeServer.open(connection));
    } catch (error) {
      await nc?.close().catch(() => {});
      if (error instanceof InputError || error instanceof ToolError) throw error;
      throw new ToolError('nats', `${withoutPasswords(nats)}: ${reasonOf(error)}`);
    }
  }

  /** Everything is there three times when the server is one of a cluster. */
  private static async open(nc: NatsConnection): Promise<LatticeServer> {
    const replicas = nc.info?.cluster === undefined ? 1 : REPLICAS;
    const js = jetstream(nc, { timeout: 5000 });
    const manager = await jetstreamManager(nc, { timeout: 5000 });
    const records = await new Kvm(js).create(RECORDS, { history: 1, allow_direct: false, replicas });
    const modules = await new Objm(js).create(MODULES, { replicas });
    await makeLogs(manager, replicas);
    return new LatticeServer(nc, js, manager, records, modules);
  }

  /** What may be done twice, or not at all: during an election it is tried again. @throws ToolError */
  ask<T>(work: () => Promise<T>): Promise<T> {
    return afterElection(isCluster(this.nc), work).catch(fail);
  }

  /**
   * Writes a record if its revision is still the given one. @param revision 0: there must not be such a record
   * @returns the new revision; undefined when it is refused. @throws when it is not known whether it was written
   */
  async write(record: NodeRecord | JobRecord, revision: number): Promise<number | undefined> {
    const key = 'session' in record ? nodeKey(record.name) : jobKey(record.name);
    try {
      const bytes = encodeRecord(record);
      // where there was a record once, its deletion has a revision
      const written = await (revision === 0
        ? this.records.create(key, bytes)
        : this.records.put(key, bytes, { previousSeq: revision }));
      this.watching?.wrote(written);
      return written;
    } catch (error) {
      if (isWrongSequence(error)) return undefined;
      throw failure(error);
    }
  }

  async readNode(name: string): Promise<{ record: NodeRecord; revision: number } | undefined> {
    if (!isNodeName(name)) return undefined;
    const entry = await this.ask(() => this.records.get(nodeKey(name)));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    const found = decodeRecord(entry.key, entry.value);
    if (found === undefined || !('node' in found)) throw unreadable(`the node ${quoted(name)}`);
    return { record: found.node, revision: entry.revision };
  }

  async readJob(name: string): Promise<{ record: JobRecord; revision: number } | undefined> {
    const { record, revision } = await this.findJob(name);
    return record && { record, revision };
  }

  /** @returns without a record: the revision by which it was removed; 0: there never was one */
  async findJob(name: string): Promise<{ record: JobRecord | undefined; revision: number }> {
    const entry = isJobName(name) ? await this.ask(() => this.records.get(jobKey(name))) : null;
    if (entry === null || entry.operation !== 'PUT') return { record: undefined, revision: entry?.revision ?? 0 };
    const found = decodeRecord(entry.key, entry.value);
    if (found === undefined || !('job' in found)) throw unreadable(`the job ${quoted(name)}`);
    return { record: found.job, revision: entry.revision };
  }

  /** All records as they are now, and the milliseconds since each was written, by the server's clock. */
  async readAll(): Promise<AllRecords> {
    const [nodes, jobs]: [NodeRecord[], JobRecord[]] = [[], []];
    const written = { nodes: new Map<string, number>(), jobs: new Map<string, number>() };
    // requests with an answer each: a consumer of all records may stand still where they are written all the time
    const prefix = `$KV.${RECORDS}.`;
    const filter = { subjects_filter: `${prefix}>` };
    const { state } = await this.ask(() => this.manager.streams.info(`KV_${RECORDS}`, filter));
    const keys = Object.keys(state.subjects ?? {}).map((subject) => subject.slice(prefix.length));
    const entries = await Promise.all(keys.map((key) => this.ask(() => this.records.get(key))));
    for (const entry of entries) {
      if (entry === null || entry.operation !== 'PUT') continue;
      const found = decodeRecord(entry.key, entry.value);
      if (found === undefined) continue;
      if ('job' in found) jobs.push(found.job);
      else nodes.push(found.node);
      const { name } = 'job' in found ? found.job : found.node;
      written['job' in found ? 'jobs' : 'nodes'].set(name, entry.created.getTime());
    }
    const now = await this.now();
    const since = (of: Map<string, number>) => new Map(Array.from(of, ([name, at]) => [name, Math.max(0, now - at)]));
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    return {
      nodes: nodes.sort(byName),
      jobs: jobs.sort(byName),
      silence: since(written.nodes),
      ages: since(written.jobs),
    };
  }

  /** The server's clock, in milliseconds since 1970: it says when something was made for us. */
  private async now(): Promise<number> {
    const looking: Parameters<typeof this.manager.consumers.add>[1] = {
      ack_policy: 'none',
      deliver_policy: 'new',
      filter_subject: `$KV.${RECORDS}.none`,
      inactive_threshold: nanos(1000),
      mem_storage: true,
    };
    const { created, name } = await this.ask(() => this.manager.consumers.add(`KV_${RECORDS}`, looking));
    void this.manager.consumers.delete(`KV_${RECORDS}`, name).catch(() => {});
    return new Date(created).getTime();
  }

  /** The last revision that was given to a record. */
  async lastRevision(): Promise<number> {
    return (await this.ask(() => this.manager.streams.info(`KV_${RECORDS}`))).state.last_seq;
  }

  removeJob(name: string, revision: number): Promise<boolean> {
    return this.remove(jobKey(name), revision);
  }

  removeNode(name: string, revision: number): Promise<boolean> {
    return this.remove(nodeKey(name), revision);
  }

  /** @returns false when its revision is another one by now */
  private async remove(key: string, revision: number): Promise<boolean> {
    try {
      await this.records.purge(key, { previousSeq: revision });
      return true;
    } catch (error) {
      if (isWrongSequence(error)) return false;
      throw failure(error);
    }
  }

  /**
   * Reports all records, and then each change.
   *
   * @param onStatus the connection was lost, or is there again
   */
  async watch(onNews: (news: RecordNews) => void, onStatus: (isConnected: boolean) => void): Promise<void> {
    this.watching = new RecordWatch(this.nc, this.records, onNews, onStatus);
    const { watching } = this;
    await this.ask(() => watching.start());
  }

  /** Stores a module, by its digest. */
  async putModule(bytes: Uint8Array): Promise<void> {
    const hex = hexOf(digestOf(bytes));
    await this.ask(async () => {
      const there = await this.modules.info(hex);
      if (there !== null && !there.deleted && there.size === bytes.length) return;
      await this.modules.putBlob({ name: hex, options: { max_chunk_size: 128 * 1024 } }, bytes);
    });
  }

  /** @throws InputError when there is no such module, or it is another one */
  async getModule(digest: string): Promise<Uint8Array> {
    const bytes = await this.ask(() => this.modules.getBlob(hexOf(digest)));
    if (bytes !== null && digestOf(bytes) === digest) return bytes;
    throw new InputError('no-module', `the module ${digest} is not in the lattice, or is damaged there`);
  }

  /** For what the program of one holder of a job prints. */
  logWriter(job: string, fence: number, node: string): LogWriter {
    return new LogWriter(this.js, this.manager, job, fence, node);
  }

  /** The number of the last piece that a job has printed, among those of all jobs; 0: there is none. */
  async lastPiece(job: string): Promise<number> {
    const found = await this.ask(() => this.manager.streams.getMessage(LOGS, { last_by_subj: logSubject(job) }));
    return found?.seq ?? 0;
  }

  /** Removes what a job has printed. @param last the piece after which it stays */
  async removeLog(job: string, last: number): Promise<void> {
    if (last === 0) return;
    await this.ask(() => this.manager.streams.purge(LOGS, { filter: logSubject(job), seq: last + 1 }));
  }

  /** What a job has printed, from the oldest piece that is kept. @param follow waits for more, until the signal */
  async *readLog(job: string, follow: boolean, signal?: AbortSignal): AsyncGenerator<LogPiece> {
    const subject = logSubject(job);
    const last = await this.lastPiece(job);
    if (last === 0 && !follow) return;
    const messages = await this.ask(async () => {
      const consumer = await this.js.consumers.get(LOGS, { filter_subjects: subject });
      return consumer.consume();
    });
    const stop = () => messages.stop();
    // the rest of it may be removed meanwhile: then its last piece never comes
    const look = async () => (await this.lastPiece(job)) < last && stop();
    const looking = follow ? undefined : setInterval(() => void look().catch(() => {}), LOG_LOOK);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      for await (const message of messages) {
        const { headers: about, data, seq } = message;
        const stream = about?.get('stream') === 'stderr' ? 'stderr' : 'stdout';
        const [fence, number] = [Number(about?.get('fence')), Number(about?.get('number'))];
        yield { node: about?.get('node') ?? '', fence, number, stream, data };
        if (!follow && seq >= last) return;
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      clearInterval(looking);
      stop();
    }
  }

  /** The address of this machine by which NATS is reached. @throws ToolError */
  async ownAddress(): Promise<string> {
    const server = this.nc.getServer();
    const [, six, name, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(server) ?? [];
    const socket = connectTo(Number(port), six ?? name);
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(5000) });
      return socket.localAddress ?? '127.0.0.1';
    } catch (error) {
      throw new ToolError('nats', `${withoutPasswords(server)} cannot be reached: ${quoted((error as Error).message)}`);
    } finally {
      socket.destroy();
    }
  }

  async close(): Promise<void> {
    this.watching?.close();
    await this.nc.close().catch(() => {});
  }
}

/** The digest by which jobs name a module. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export const hexOf = (digest: string) => digest.slice('sha256:'.length);

function authenticatorOf({ creds, nkey }: ServerOptions): Authenticator | undefined {
  const read = (path: string) => reading(path, () => readFileSync(path));
  if (creds !== undefined) return credsAuthenticator(read(creds));
  if (nkey !== undefined) return nkeyAuthenticator(new TextEncoder().encode(read(nkey).toString('utf8').trim()));
  return undefined;
}

function isCluster(nc: NatsConnection): () => boolean {
  return () => nc.info?.cluster !== undefined;
}

async function makeLogs(manager: JetStreamManager, replicas: number): Promise<void> {
  const limits = { max_msgs_per_subject: LOG_PIECES, max_age: 0, storage: 'file' as const, discard: 'old' as const };
  const name = { name: LOGS, subjects: [logSubject('*')], num_replicas: replicas };
  try {
    await manager.streams.info(LOGS);
  } catch {
    await manager.streams.add({ ...name, ...limits });
  }
}

function unreadable(what: string): InputError {
  return new InputError('record', `the record of ${what} cannot be read: another version of wag-snap has written it`);
}

/** What NATS said to one of our requests. */
function failure(error: unknown): WagSnapError {
  if (error instanceof WagSnapError) return error;
  return new ToolError('nats', reasonOf(error));
}

function fail(error: unknown): never {
  throw failure(error);
}

function reasonOf(error: unknown): string {
  const { name, message } = error as Error;
  if (name === 'JetStreamNotEnabled' || /jetstream (is )?not enabled/i.test(message)) {
    return 'that NATS server has no JetStream: start it with --jetstream --store_dir FOLDER';
  }
  if (/max_payload/i.test(message)) {
    return `it is larger than a message may be there: fewer arguments and variables, or a larger max_payload (${message})`;
  }
  if (/does not support 'tls'|server does not support tls/i.test(message)) return 'that NATS server has no TLS';
  if (/no suitable peers|insufficient resources/i.test(message)) {
    return `that NATS cluster needs three servers with JetStream, and room on their disks (${message})`;
  }
  if (name === 'PermissionViolationError' || /permissions violation/i.test(message)) {
    return `these credentials of NATS do not allow it (${message})`;
  }
  if (name === 'AuthorizationError') return `NATS refuses these credentials (${message})`;
  if (name === 'ConnectionError' || /refused|ENOTFOUND|timeout/i.test(message)) {
    return `no NATS server answers there (${message})`;
  }
  return quoted(message);
}
