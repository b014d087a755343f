/** A lattice of real processes: a NATS server with a folder and a port of its own, and nodes. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectTo, createServer, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lattice } from '../../src/api/lattice.js';
import { LatticeClient } from '../../src/api/lattice-client.js';
import { LatticeServer } from '../../src/lattice/server.js';
import { freePort } from './free-port.js';

export const hasNats = spawnSync('nats-server', ['--version']).status === 0;
export const NO_NATS = 'there is no nats-server (Debian: apt-get install nats-server)';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');

/** Passes connections on, until they are cut. */
export class Relay {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private server!: Server;

  constructor(private readonly target: number) {}

  async listen(): Promise<number> {
    this.server = createServer((socket) => {
      if (this.isCut) return void socket.destroy();
      const other = connectTo(this.target, '127.0.0.1');
      for (const [from, to] of [
        [socket, other],
        [other, socket],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => {});
        from.on('data', (data) => this.isCut || to.write(data));
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
      }
    }).listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as { port: number }).port;
  }

  /** Nothing passes any more, and nobody is told: the connections stay open. */
  cut(): void {
    this.isCut = true;
  }

  /** New connections pass again; the old ones are lost. */
  mend(): void {
    this.isCut = false;
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

export class TestNode {
  readonly events: { readonly event: string; readonly [key: string]: unknown }[] = [];
  readonly exited: Promise<number | null>;
  stderr = '';

  constructor(
    readonly name: string,
    readonly child: ChildProcess,
  ) {
    let rest = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      this.events.push(...lines.map((line) => JSON.parse(line)));
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = once(child, 'close').then(([code]) => code);
  }

  /** Waits until there is an event, the first so many aside. */
  async until(event: string, after = 0): Promise<(typeof this.events)[number]> {
    for (;;) {
      const found = this.events.slice(after).find((one) => one.event === event);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) throw new Error(`the node has ended without "${event}": ${this.stderr}`);
      await sleep(20);
    }
  }
}

/**
 * For nodes that are to keep what they have: a busy machine takes nothing from them. The others have a lease of a second,
 * so a test that waits for their end does not take long, and has to bear that they lose what they have at any time.
 */
export const PATIENT = ['--lease', '60s'];

/** How the server is started, if not plainly. */
export interface ServerSetup {
  /** Makes a configuration for a port. @returns its path */
  readonly configuration?: (port: number) => string;
  readonly env?: Readonly<Record<string, string>>;
  /** `USER:PASSWORD`. */
  readonly user?: string;
}

export class TestLattice {
  lattice!: Lattice;
  private records!: LatticeServer;
  private server: ChildProcess | undefined;
  private port = 0;
  private readonly nodes: TestNode[] = [];
  private readonly relays: Relay[] = [];

  constructor(
    private readonly folder: string,
    private readonly setup: ServerSetup = {},
  ) {}

  async start(): Promise<void> {
    await this.startServer();
    await this.connect();
  }

  async connect(): Promise<void> {
    this.records = await LatticeServer.connect({ nats: this.url });
    this.lattice = new LatticeClient(this.records);
  }

  get url(): string {
    const { user } = this.setup;
    return `nats://${user === undefined ? '' : `${user}@`}127.0.0.1:${this.port}`;
  }

  async startServer(): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    const { configuration, env } = this.setup;
    const own = [
      '-a',
      '127.0.0.1',
      '-p',
      String(this.port),
      '--jetstream',
      '--store_dir',
      join(this.folder, 'jetstream'),
    ];
    const args = configuration === undefined ? own : ['-c', configuration(this.port)];
    const server = spawn('nats-server', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...env } });
    this.server = server;
    let said = '';
    await new Promise<void>((done, fail) => {
      server.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('Server is ready')) done();
      });
      server.once('exit', () => fail(new Error(`nats-server: ${said}`)));
    });
  }

  async stopServer(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const gone = once(server, 'exit');
    server.kill(signal);
    await gone;
  }

  async relay(): Promise<{ relay: Relay; url: string }> {
    const relay = new Relay(this.port);
    this.relays.push(relay);
    return { relay, url: `nats://127.0.0.1:${await relay.listen()}` };
  }

  /** @param env besides this process's */
  async node(name: string, args: readonly string[] = [], url = this.url, env = {}): Promise<TestNode> {
    const store = join(this.folder, 'store');
    const lease = args.includes('--lease') ? [] : ['--lease', '1s'];
    const all = ['node', '--nats', url, '--name', name, '--store', store, ...lease, ...args];
    const node = new TestNode(
      name,
      spawn(cli, all, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } }),
    );
    this.nodes.push(node);
    await node.until('joined');
    return node;
  }

  /** Waits until some node says that it runs a job, with a higher fence number. */
  async running(job: string, after: number): Promise<{ node: string; fence: number }> {
    for (;;) {
      for (const { name, events } of this.nodes) {
        const found = events.findLast((one) => one.event === 'running' && one['job'] === job);
        if (found !== undefined && Number(found['fence']) > after) return { node: name, fence: Number(found['fence']) };
      }
      await sleep(20);
    }
  }

  /** Waits until a node has run a job under a higher fence number. @returns the last one */
  async runningAt(node: string, job: string, after: number): Promise<number> {
    for (;;) {
      const { events } = this.nodes.findLast(({ name }) => name === node)!;
      const found = events.findLast((one) => one.event === 'running' && one['job'] === job);
      if (found !== undefined && Number(found['fence']) > after) return Number(found['fence']);
      await sleep(20);
    }
  }

  /** Waits until the life of a node is over that it told of last. */
  async fenced(node: string): Promise<void> {
    const { events } = this.nodes.findLast(({ name }) => name === node)!;
    const life = Number(events.findLast(({ event }) => event === 'joined')?.['incarnation']);
    await this.until(async () => {
      const found = await this.records.readNode(node);
      return found === undefined || found.record.fenced || found.record.incarnation > life;
    });
  }

  /** Waits until a node has been silent for longer than its lease. */
  async gone(node: string): Promise<void> {
    await this.until(async (lattice) => (await lattice.nodes()).find(({ name }) => name === node)?.state === 'gone');
  }

  /** Waits for something that NATS has. */
  async until<T>(look: (lattice: Lattice) => Promise<T | undefined | false>): Promise<T> {
    for (;;) {
      const found = await look(this.lattice).catch(() => undefined);
      if (found !== undefined && found !== false) return found;
      await sleep(50);
    }
  }

  /** Ends the nodes, their guards with them, and the server. */
  async close(): Promise<void> {
    for (const { child, exited } of this.nodes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await exited;
    }
    await this.lattice?.close();
    for (const relay of this.relays) relay.close();
    await this.stopServer();
  }
}
