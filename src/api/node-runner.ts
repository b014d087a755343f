/** Runs the programs of a node: what the protocol wants done about a job (lattice/runner.ts), with real programs. */

import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createFolders } from '../base/create-folders.js';
import { InputError, inOneLine, type ToolError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { endsLife } from '../lattice/membership.js';
import type { Holder, JobRecord, NodeRecord } from '../lattice/records.js';
import type { Report, Runner } from '../lattice/runner.js';
import { digestOf, hexOf, type LatticeServer } from '../lattice/server.js';
import type { Move } from '../lattice/state.js';
import { checkBeginning } from '../snapshot/trust/policy.js';
import { Peers } from '../transport/peers.js';
import { parseAddress, tlsTransport } from '../transport/tls.js';
import type { Transport } from '../transport/transport.js';
import type { JobStores } from './job-stores.js';
import type { NodeArrivals } from './node-arrivals.js';
import type { MoveEventOfNode, ProgramEvent } from './node-events.js';
import type { NodeGrants } from './node-grants.js';
import type { NodeGuard } from './node-guard.js';
import { NodeProgram } from './node-program.js';
import type { Prepared } from './prepared.js';
import type { FormOptions, TrustOptions, WithKeys } from './seal-options.js';

export interface RunnerOptions {
  readonly name: string;
  readonly server: LatticeServer;
  readonly guard: NodeGuard;
  readonly stores: JobStores | undefined;
  /** How snapshots are written and read. */
  readonly seal: FormOptions & TrustOptions & WithKeys;
  /** What programs may be given. */
  readonly grants: NodeGrants;
  /** For modules; removed when the node ends. */
  readonly folder: string;
  /** The CPU of jobs that do not say. */
  readonly arch: string;
  readonly onEvent: (event: ProgramEvent | MoveEventOfNode) => void;
}

/** Programs that are started at the same time. */
const STARTS = 2 * availableParallelism();

export class NodeRunner implements Runner {
  private readonly programs = new Map<string, NodeProgram>();
  /** Programs that were captured for good, by job: how they continue here. */
  private readonly handedOver = new Map<string, { readonly job: JobRecord; readonly incarnation: number }>();
  private readonly incarnations = new Map<string, number>();
  private readonly modules = new Map<string, Promise<string>>();
  /** Programs that are to be started, the first one first. */
  private readonly waiting: NodeProgram[] = [];
  private starting = 0;
  readonly counts = {
    started: 0,
    captured: 0,
    captureMilliseconds: 0,
    notCaptured: 0,
    givenAway: 0,
    movedLive: 0,
    ended: 0,
  };
  report: Report = () => {};
  /** What takes programs from other nodes; undefined: none are moved while they run. */
  arrivals: NodeArrivals | undefined;
  /** The record of a node, as far as it is known. */
  nodeOf: (node: string) => NodeRecord | undefined = () => undefined;
  /** Programs that are sent to other nodes, by job. */
  private readonly moves = new Map<string, { readonly move: Move; readonly program: NodeProgram }>();

  constructor(private readonly options: RunnerOptions) {
    createFolders(join(options.folder, 'modules'));
  }

  /** Numbers as of now: what Prometheus calls gauges. */
  get gauges() {
    const programs = [...this.programs.values()];
    return {
      running: programs.length,
      uncaptured: programs.filter(({ isUncaptured }) => isUncaptured).length,
      unsavedMilliseconds: Math.max(0, ...programs.map(({ unsaved }) => unsaved ?? 0)),
    };
  }

  lease(incarnation: number, until: number): void {
    this.options.guard.lease(incarnation, until);
  }

  start(job: JobRecord, incarnation: number): void {
    this.counts.started++;
    this.waiting.push(this.add(job, incarnation));
    this.startNext();
  }

  private add(job: JobRecord, incarnation: number): NodeProgram {
    const { guard, stores, folder, seal } = this.options;
    const program = new NodeProgram(job, incarnation, {
      guard,
      stores,
      seal,
      folder,
      report: (event) => {
        if ((event.kind === 'ended' || event.kind === 'not-started') && this.programs.get(job.name) === program)
          this.programs.delete(job.name);
        this.report(event);
      },
      prepare: (wanted) => this.prepare(wanted),
      publish: (name, fence) => {
        const writer = this.options.server.logWriter(name, fence, this.options.name);
        return (stream, data) => writer.write(stream, data);
      },
      onEvent: (event) => this.notice(event),
    });
    this.programs.set(job.name, program);
    this.incarnations.set(job.name, incarnation);
    return program;
  }

  /** A node that started hundreds at once would be too busy to renew its lease. */
  private startNext(): void {
    while (this.starting < STARTS && this.waiting.length > 0) {
      this.starting++;
      void this.waiting
        .shift()!
        .start()
        .finally(() => {
          this.starting--;
          this.startNext();
        });
    }
  }

  /** Lets begin what has arrived. If that is gone, the job continues from its last durable snapshot. */
  begin(job: JobRecord, id: string, incarnation: number): void {
    const arrived = this.arrivals?.take(id);
    if (arrived === undefined) return this.start(job, incarnation);
    this.counts.started++;
    void this.add(job, incarnation)
      .start(arrived)
      .finally(() => arrived.decide(arrived.held.hasBegun));
  }

  end(name: string, fence: number): void {
    const program = this.programs.get(name);
    if (program !== undefined) return program.end();
    this.handedOver.delete(name);
    this.report({ kind: 'ended', job: name, fence, end: null });
  }

  send(job: JobRecord, move: Move): void {
    void this.giveAway(job, move);
  }

  /** While it runs, if the other node can be reached; otherwise by way of a snapshot. */
  private async giveAway({ name, to: asked }: JobRecord, move: Move): Promise<void> {
    const program = this.programs.get(name);
    let why: string | null = null;
    if (program !== undefined && move.to !== null) {
      const found = this.transportTo(move.to.node);
      if (typeof found === 'string') why = found;
      else {
        const failed = await this.sendTo(found, program, move);
        if (failed === undefined) return;
        why = inOneLine(failed);
        // what it has open cannot be opened there: neither could a snapshot of it be continued
        if (asked !== null && (failed as ToolError).code === 'host-state') return this.notGivenAway(name, move.id, why);
      }
      if (this.isLost(move.to)) return this.notGivenAway(name, move.id, lost(move.to));
      if (program.isWanted) this.options.onEvent({ event: 'not-sent', job: name, to: move.to.node, why });
    }
    await this.handOver(name, program, move, why);
  }

  private isLost(to: Holder): boolean {
    const known = this.nodeOf(to.node);
    return known !== undefined && endsLife(known, to);
  }

  /** Nothing that is still sent to a life that is over would ever run. */
  heard(node: NodeRecord): void {
    for (const { move, program } of this.moves.values()) {
      if (move.to?.node === node.name && endsLife(node, move.to)) program.giveUpSending(lost(move.to));
    }
  }

  /** @returns why there is no direct way to a node */
  private transportTo(node: string): Transport | string {
    const { arrivals } = this;
    if (arrivals === undefined) return 'this node sends none directly (--moves)';
    const receiver = this.nodeOf(node)?.receiver;
    if (!receiver) return `${node} takes none directly (--moves)`;
    const address = parseAddress(receiver.address);
    if (address === undefined) return `${quoted(receiver.address)} is no address`;
    const peers = new Peers([{ fingerprint: receiver.key, hosts: [] }], 'its record');
    return tlsTransport(address, () => ({ keys: arrivals.keys, peers }));
  }

  /** @returns why it is not over there, and nobody has decided that it shall stay; undefined: nothing is left to be done */
  private async sendTo(to: Transport, program: NodeProgram, move: Move): Promise<Error | undefined> {
    const { name } = program.job;
    let hasParked = false;
    this.moves.set(name, { move, program });
    try {
      const { downtime } = await program.send(
        to,
        move.id,
        program.job.spec.arch ?? this.nodeOf(move.to?.node ?? '')?.offer.arch[0] ?? null,
        () => {
          hasParked = true;
          this.report({ kind: 'parked', job: name, id: move.id, snapshot: null, note: 'while it ran' });
        },
        () => this.report({ kind: 'not-sent', job: name, id: move.id, why: `${move.to?.node} is gone` }),
      );
      this.counts.givenAway++;
      this.counts.movedLive++;
      const milliseconds = Math.round(downtime / 1000);
      this.options.onEvent({ event: 'given-away', job: name, to: move.to?.node ?? null, snapshot: null, milliseconds });
      return undefined;
    } catch (error) {
      if (!hasParked) return error as Error;
      if ((error as ToolError).code === 'recalled') return undefined;
      if (program.isWanted) program.end(); // it cannot continue here: it begins again from its last snapshot
      return undefined;
    } finally {
      if (this.moves.get(name)?.move.id === move.id) this.moves.delete(name);
    }
  }

  private async handOver(
    name: string,
    program: NodeProgram | undefined,
    { id, to }: Move,
    notSent: string | null,
  ): Promise<void> {
    try {
      if (program === undefined) throw new Error('its program has ended');
      if (this.options.stores === undefined) {
        throw new Error(`${notSent ?? 'it is given back'}; this node has no store (--store) to move it through`);
      }
      const begun = performance.now();
      const snapshot = await program.handOver();
      this.programs.delete(name);
      const job = { ...program.job, snapshot };
      this.handedOver.set(name, { job, incarnation: this.incarnations.get(name) ?? 0 });
      this.counts.givenAway++;
      const milliseconds = Math.round(performance.now() - begun);
      const given = { job: name, to: to?.node ?? null, snapshot: snapshot.reference, milliseconds };
      this.options.onEvent({ event: 'given-away', ...given });
      const note = notSent === null ? null : `by a snapshot: ${notSent}`.slice(0, 2000);
      this.report({ kind: 'parked', job: name, id, snapshot, note });
    } catch (error) {
      this.notGivenAway(name, id, inOneLine(error));
    }
  }

  private notGivenAway(job: string, id: string, why: string): void {
    this.options.onEvent({ event: 'not-given-away', job, why });
    this.report({ kind: 'not-sent', job, id, why });
  }

  commit(name: string, id: string): void {
    const sent = this.moves.get(name);
    if (sent?.move.id === id) return sent.program.continueIn('there');
    const over = this.handedOver.get(name);
    this.handedOver.delete(name);
    this.report({ kind: 'ended', job: name, fence: over?.job.fence ?? 0, end: null });
  }

  resume(name: string, id: string): void {
    const sent = this.moves.get(name);
    if (sent?.move.id === id) return sent.program.continueIn('here');
    const over = this.handedOver.get(name);
    this.handedOver.delete(name);
    if (over !== undefined) this.start(over.job, over.incarnation);
  }

  refuse(_job: string, id: string): void {
    this.arrivals?.take(id)?.decide(false);
  }

  noticed({ holder, snapshot, fence, end }: JobRecord): void {
    const { stores, name: own } = this.options;
    if (stores === undefined || holder?.node !== own || snapshot?.fence !== fence || end !== null) return;
    void stores.removeBefore(snapshot.reference).catch(() => {});
  }

  private notice(event: ProgramEvent): void {
    if (event.event === 'captured') {
      this.counts.captured++;
      this.counts.captureMilliseconds += event.milliseconds;
    }
    if (event.event === 'not-captured') this.counts.notCaptured++;
    if (event.event === 'ended') this.counts.ended++;
    this.options.onEvent(event);
  }

  private async prepare(job: JobRecord): Promise<Prepared> {
    const { spec, name, snapshot } = job;
    const { grants } = this.options;
    const granted = { dirs: grants.directoriesOf(spec), listen: grants.addressesOf(spec) };
    const common = { ...granted, name, ...(spec.memory === null ? {} : { maxMemory: spec.memory }) };
    const arch = { arch: (spec.arch ?? this.options.arch) as 'x64' | 'arm64' };
    if (snapshot === null) {
      const policy = this.options.seal.keys?.policy;
      const module = await this.module(spec.module);
      if (policy !== undefined) checkBeginning(policy, name, await programDigest(module));
      const { prepareRun } = await import('./prepare-run.js');
      return prepareRun(module, spec.args, { ...common, ...arch, env: spec.env, programName: name });
    }
    const { stores, seal } = this.options;
    if (stores === undefined) {
      throw new InputError(
        'no-store',
        `its snapshot ${quoted(snapshot.reference)} is in a store, and this node has none`,
      );
    }
    const { prepareSnapshot } = await import('./restore.js');
    const { path, parents } = await stores.find(snapshot.reference);
    return prepareSnapshot(path, { ...seal, ...common, ...arch, parents, mayHaveClosed: true });
  }

  private module(digest: string): Promise<string> {
    const there = this.modules.get(digest);
    if (there !== undefined) return there;
    const path = join(this.options.folder, 'modules', `${hexOf(digest)}.wasm`);
    const fetched = this.options.server.getModule(digest).then((bytes) => {
      writeFileSync(path, bytes, { mode: 0o600 });
      return path;
    });
    this.modules.set(digest, fetched);
    fetched.catch(() => this.modules.delete(digest));
    return fetched;
  }
}

/** The sha256 that its snapshots have: of a component that of the module made from it. */
async function programDigest(path: string): Promise<string> {
  const { readProgram } = await import('./read-program.js');
  const { bytes } = await readProgram(path, 'module');
  return hexOf(digestOf(bytes));
}

function lost({ node }: Holder): string {
  return `${node} was lost meanwhile`;
}
