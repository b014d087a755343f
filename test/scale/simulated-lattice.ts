/** Simulated nodes, some in each process, with a NATS server of their own and one real node, which gets no job. */

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LatticeClient } from '../../src/api/lattice-client.js';
import { LatticeServer } from '../../src/lattice/server.js';
import { freePort } from '../support/free-port.js';
import type { Report } from './nodes.js';

/** A module that is never run: magic number and version. */
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
/** Jobs of one submission, at most. */
const REPLICAS = 1000;
const COMMAND = resolve('bin/wag-snap');
/** Prints how much memory a command has had, in KiB. */
const TELL = "--import=data:text/javascript,process.on('exit',()=>console.error(process.resourceUsage().maxRSS))";

interface Traffic {
  readonly messages: number;
  readonly bytes: number;
  /** Milliseconds of the server's. */
  readonly cpu: number;
}

export class SimulatedLattice {
  private readonly children: ChildProcess[] = [];
  private groups: ChildProcess[] = [];
  private readonly holders = new Map<string, string | null>();
  private server!: LatticeServer;
  private client!: LatticeClient;
  private wake = () => {};
  private url = '';
  private monitor = 0;
  private nats!: ChildProcess;
  private node!: ChildProcess;
  /** Lives of nodes that others have taken for lost: the machine was too slow for them. */
  lost = 0;

  private constructor(
    private readonly folder: string,
    private readonly count: number,
    readonly lease: number,
    private readonly connections: 'one' | 'each',
  ) {}

  /** @param connections of the nodes in a process */
  static async start(count: number, lease: number, connections: 'one' | 'each'): Promise<SimulatedLattice> {
    const lattice = new SimulatedLattice(mkdtempSync(join(tmpdir(), 'wag-snap-scale-')), count, lease, connections);
    try {
      await lattice.begin();
    } catch (error) {
      await lattice.close();
      throw error;
    }
    return lattice;
  }

  private async begin(): Promise<void> {
    await this.startServer();
    this.server = await LatticeServer.connect({ nats: this.url });
    this.client = new LatticeClient(this.server);
    await this.server.watch(
      (news) => {
        if (news.kind === 'job') this.holders.set(news.record.name, news.record.holder?.node ?? null);
        if (news.kind === 'node' && news.record.fenced) this.lost++;
        this.wake();
      },
      () => {},
    );
    const processes = Math.min(availableParallelism(), this.count);
    this.groups = await Promise.all(
      Array.from({ length: processes }, (_, i) => this.startNodes(i, Math.floor((this.count + i) / processes))),
    );
    const args = ['node', '--nats', this.url, '--name', 'real', '--lease', `${this.lease}ms`];
    this.node = spawn(COMMAND, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.children.push(this.node);
    let said = '';
    await new Promise<void>((done, fail) => {
      this.node.stdout!.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('"joined"')) done();
      });
      this.node.once('exit', () => fail(new Error(`wag-snap node: ${said}`)));
    });
  }

  private async startServer(): Promise<void> {
    const [port, monitor] = [await freePort(), await freePort()];
    const at = ['-a', '127.0.0.1', '-p', String(port), '-m', String(monitor)];
    const nats = spawn('nats-server', [...at, '--jetstream', '--store_dir', join(this.folder, 'nats')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.children.push(nats);
    let said = '';
    await new Promise<void>((done, fail) => {
      nats.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('Server is ready')) done();
      });
      nats.once('error', fail);
      nats.once('exit', () => fail(new Error(`nats-server: ${said}`)));
    });
    this.nats = nats;
    this.url = `nats://127.0.0.1:${port}`;
    this.monitor = monitor;
  }

  private async startNodes(group: number, count: number): Promise<ChildProcess> {
    const path = fileURLToPath(new URL('./nodes.js', import.meta.url));
    const args = [this.url, String(group), String(count), String(this.lease), this.connections];
    const child = fork(path, args, { stdio: 'inherit' });
    this.children.push(child);
    const exited = once(child, 'exit').then(() => {
      throw new Error('the process of simulated nodes has ended');
    });
    await Promise.race([once(child, 'message'), exited]); // all have joined
    exited.catch(() => {});
    return child;
  }

  async submit(jobs: number): Promise<void> {
    for (let done = 0; done < jobs; done += REPLICAS) {
      const replicas = Math.min(REPLICAS, jobs - done);
      await this.client.submit(MODULE, { name: `job${done}`, replicas, labels: { simulated: 'yes' } });
    }
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((done) => {
        this.wake = done;
      });
    }
  }

  placed(): number {
    return [...this.holders.values()].filter((node) => node !== null).length;
  }

  /** The number of jobs of the node that has most. */
  most(): number {
    const counts = new Map<string, number>();
    for (const node of this.holders.values()) if (node !== null) counts.set(node, (counts.get(node) ?? 0) + 1);
    return Math.max(...counts.values());
  }

  /** What the server has to do while no job changes. */
  async traffic(milliseconds: number): Promise<Traffic> {
    const before = await this.counters();
    await new Promise((done) => setTimeout(done, milliseconds));
    const after = await this.counters();
    return {
      messages: after.messages - before.messages,
      bytes: after.bytes - before.bytes,
      cpu: after.cpu - before.cpu,
    };
  }

  private async counters(): Promise<Traffic> {
    const answer = await fetch(`http://127.0.0.1:${this.monitor}/varz`);
    const found = (await answer.json()) as Record<'in_msgs' | 'out_msgs' | 'in_bytes' | 'out_bytes', number>;
    const ticks = readFileSync(`/proc/${this.nats.pid}/stat`, 'latin1').split(' ').slice(13, 15).map(Number);
    return {
      messages: found.in_msgs + found.out_msgs,
      bytes: found.in_bytes + found.out_bytes,
      cpu: (ticks[0]! + ticks[1]!) * 10,
    };
  }

  /** MiB: of one simulated node, and of the real one without its guard. */
  async memory(): Promise<{ simulated: number; node: number }> {
    const reports = await Promise.all(
      this.groups.map(async (child) => {
        child.send('report');
        const [report] = (await once(child, 'message')) as [Report];
        return report.used - report.base;
      }),
    );
    const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.node.pid}/status`, 'latin1')) ?? [];
    return { simulated: reports.reduce((sum, one) => sum + one) / this.count / 2 ** 20, node: Number(kib) / 1024 };
  }

  /** What `wag-snap jobs` takes. */
  async look(): Promise<{ seconds: number; memory: number }> {
    const began = performance.now();
    const env = { ...process.env, NODE_OPTIONS: TELL };
    const child = spawn(COMMAND, ['jobs', '--json', '--nats', this.url], { stdio: ['ignore', 'ignore', 'pipe'], env });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`wag-snap jobs: ${said}`);
    return { seconds: (performance.now() - began) / 1000, memory: Number(said.trim().split('\n').at(-1)) / 1024 };
  }

  /** @returns how many jobs had to go elsewhere, and have */
  async drain(nodes: number): Promise<number> {
    const drained = new Set(Array.from({ length: nodes }, (_, i) => `n0-${i}`));
    const isThere = (node: string | null) => node === null || drained.has(node);
    const jobs = [...this.holders.values()].filter(isThere).length;
    await Promise.all([...drained].map((node) => this.client.drain(node)));
    await this.until(() => ![...this.holders.values()].some(isThere));
    return jobs;
  }

  async close(): Promise<void> {
    await this.server?.close();
    for (const child of this.children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
