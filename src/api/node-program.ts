/** A job's program on a node: started held, begun under the guard, captured now and then, ended. */

import { setTimeout as sleep } from 'node:timers/promises';
import { InputError, inOneLine, LimitError, type WagSnapError } from '../base/errors.js';
import type { DurableSnapshot, JobEnd, JobRecord } from '../lattice/records.js';
import type { Report } from '../lattice/runner.js';
import type { Moved } from '../transport/moved.js';
import type { Transport } from '../transport/transport.js';
import { type Held, holdProgram } from './held-program.js';
import type { JobStores } from './job-stores.js';
import type { ArrivedProgram } from './node-arrivals.js';
import type { ProgramEvent } from './node-events.js';
import type { NodeGuard } from './node-guard.js';
import { LogSender, type Publish } from './node-log.js';
import { OutputPipes } from './output-pipes.js';
import type { Prepared } from './prepared.js';
import type { FormOptions, TrustOptions, WithKeys } from './seal-options.js';
import { hasEnded } from './triggers.js';

export interface ProgramHost {
  readonly guard: NodeGuard;
  readonly report: Report;
  /** For names of its pipes. */
  readonly folder: string;
  readonly stores: JobStores | undefined;
  readonly seal: FormOptions & TrustOptions & WithKeys;
  prepare(job: JobRecord): Promise<Prepared>;
  publish(job: string, fence: number): Publish;
  onEvent(event: ProgramEvent): void;
}

export class NodeProgram {
  private held: Held | undefined;
  private prepared: Prepared | undefined;
  private log: LogSender | undefined;
  /** Its end was asked for, or it was captured for good. */
  private isUnwanted = false;
  private timer: NodeJS.Timeout | undefined;
  /** Captures, one after the other. */
  private captures: Promise<unknown> = Promise.resolve();
  private readonly aborted = new AbortController();
  private sending: AbortController | undefined;
  private isHandedOver = false;
  /** While it stands still for a move: where it continues. */
  private decision: ((where: 'here' | 'there' | Error) => void) | undefined;
  /** Its process has ended; `last` says how, when all that it has printed is there. */
  private isOver = false;
  private last: JobEnd | undefined;
  /** When its last snapshot was durable, or it began here. */
  private savedAt: number | undefined;
  /** The last capture has failed. */
  isUncaptured = false;

  constructor(
    readonly job: JobRecord,
    private readonly incarnation: number,
    private readonly host: ProgramHost,
  ) {}

  /** Starts it, or lets begin what another node has sent. What becomes of it is reported. */
  async start(arrived?: ArrivedProgram): Promise<void> {
    const { job, host, incarnation } = this;
    const { name, fence } = job;
    if (this.isUnwanted) return this.gone(null);
    const began = performance.now();
    try {
      let { held, pipes } = arrived ?? {};
      if (held === undefined || pipes === undefined) {
        this.prepared = await host.prepare(job);
        if (this.isUnwanted) return this.gone(null);
        pipes = await OutputPipes.make(host.folder);
        held = await holdProgram(this.prepared, pipes, name, { withParent: true });
      }
      this.held = held;
      if (!this.isUnwanted) await host.guard.add(held.pid, incarnation);
      if (this.isUnwanted) {
        held.end();
        host.guard.gone(held.pid);
        return this.gone(null);
      }
      if (!(await held.begin())) {
        held.end();
        host.guard.gone(held.pid);
        return this.isUnwanted ? this.gone(null) : this.notStarted('it ended before it began');
      }
      this.log = new LogSender(pipes.readers, host.publish(name, fence));
      if (!held.emulated) this.prepared?.release();
    } catch (error) {
      if (this.held?.hasBegun === false) this.held.end();
      const why = inOneLine(error);
      return isOfTheJob(error, job) ? this.gone(problem(why)) : this.notStarted(why);
    }
    const { held } = this;
    void held.ended.then((end) => this.ended(end));
    if (this.isUnwanted) return this.kill();
    host.report({ kind: 'running', job: name, fence });
    const from = arrived ? 'another node' : (job.snapshot?.reference ?? null);
    const milliseconds = Math.round(performance.now() - began);
    host.onEvent({ event: 'running', job: name, fence, pid: held.pid, from, milliseconds });
    this.savedAt = performance.now();
    this.captureLater();
  }

  /** Whether it runs, and nobody has asked for its end. */
  get isWanted(): boolean {
    return !this.isUnwanted && this.last === undefined;
  }

  /** Milliseconds of work that would be lost with this node; undefined: no snapshots are asked for. */
  get unsaved(): number | undefined {
    if (this.job.spec.snapshotEvery === null || this.savedAt === undefined || !this.isWanted) return undefined;
    return performance.now() - this.savedAt;
  }

  end(): void {
    this.isUnwanted = true;
    this.aborted.abort();
    this.kill();
    this.decision?.(new Error('it was ended'));
  }

  private kill(): void {
    if (this.held?.hasBegun) this.held.kill();
  }

  private async stopCaptures(): Promise<void> {
    clearTimeout(this.timer);
    await this.captures;
    clearTimeout(this.timer); // the last one has set it again
  }

  private captureLater(): void {
    const { snapshotEvery } = this.job.spec;
    if (snapshotEvery === null || this.host.stores === undefined || this.isUnwanted || this.isOver) return;
    this.timer = setTimeout(() => {
      this.captures = this.captures
        .then(() => this.capture(false))
        .then(
          (snapshot) => this.host.report({ kind: 'captured', job: this.job.name, fence: this.job.fence, snapshot }),
          (error) => {
            if (!this.isUnwanted && !hasEnded(error)) this.notCaptured(error as Error);
          },
        )
        .then(() => this.captureLater());
    }, snapshotEvery);
  }

  private notCaptured(error: Error): void {
    const { job, host } = this;
    const why = inOneLine(error);
    this.isUncaptured = true;
    host.onEvent({ event: 'not-captured', job: job.name, why });
    host.report({ kind: 'not-captured', job: job.name, fence: job.fence, why: why.slice(0, 2000) });
  }

  private async capture(kill: boolean): Promise<DurableSnapshot> {
    const { job, host, held, aborted } = this;
    if (host.stores === undefined || held === undefined) throw new Error('there is no store');
    const began = performance.now();
    const store = await host.stores.of(job.name);
    const { generation } = await store.capture(held.pid, job.name, {
      ...host.seal,
      ...{ kill, silent: true, signal: aborted.signal },
    });
    await this.log?.flushed(); // whoever continues from there does not print it again
    const reference = `${generation.name}:${generation.tag}`;
    const milliseconds = Math.round(performance.now() - began);
    this.savedAt = performance.now();
    this.isUncaptured = false;
    host.onEvent({ event: 'captured', job: job.name, fence: job.fence, snapshot: reference, milliseconds });
    return { reference, fence: job.fence };
  }

  /**
   * Sends it to another node while it runs, and keeps it parked until continueIn() says where it continues.
   *
   * @param arch the CPU that it continues on
   * @param onParked told when it stands still, and the other node has all of it
   * @param onLost told when that one is gone
   * @returns true: it is there. @throws otherwise; it runs on here, or has ended
   */
  async send(to: Transport, id: string, arch: string | null, onParked: () => void, onLost: () => void): Promise<Moved> {
    const { job, held, aborted } = this;
    const { spec, name } = job;
    const sending = new AbortController();
    this.sending = sending;
    const signal = AbortSignal.any([aborted.signal, sending.signal]);
    await this.stopCaptures();
    try {
      if (held === undefined || this.last !== undefined) throw new Error('its program has ended');
      const [{ migrateAttached }, { attachGiven }] = await Promise.all([
        import('./migrate.js'),
        import('./find-process.js'),
      ]);
      const process = await attachGiven(String(held.pid), signal);
      try {
        return await migrateAttached(process, to, {
          ...{ name, signal, move: { job: name, id } },
          dirs: spec.dirs.map((dir) => ({ host: dir.name, guest: dir.guest })),
          ...(arch === null ? {} : { arch: arch as 'x64' | 'arm64' }),
          ...(spec.memory === null ? {} : { maxMemory: spec.memory }),
          decide: async (lost) => {
            await this.log?.flushed(); // whoever continues does not print it again
            const decided = new Promise<'here' | 'there'>((resolve, reject) => {
              this.decision = (where) => (where instanceof Error ? reject(where) : resolve(where));
            });
            if (this.isUnwanted) throw new Error('it was ended');
            onParked();
            void lost.then(onLost);
            return decided;
          },
        });
      } finally {
        process.close();
      }
    } catch (error) {
      if (!this.isUnwanted && this.last === undefined) this.captureLater();
      throw error;
    } finally {
      this.decision = undefined;
    }
  }

  /** It runs on here, unless the other node has all of it already: then somebody else decides. */
  giveUpSending(why: string): void {
    this.sending?.abort(why);
  }

  /** Of one that stands still to be moved: it ends here when it continues there. */
  continueIn(where: 'here' | 'there'): void {
    const { decision } = this;
    if (where === 'there') this.isUnwanted = true;
    if (where === 'there') this.kill();
    decision?.(where);
  }

  /** Captures it for good: it continues from the snapshot, elsewhere or here. @throws then it runs on */
  async handOver(): Promise<DurableSnapshot> {
    await this.stopCaptures();
    this.isHandedOver = true;
    try {
      const snapshot = await this.capture(true);
      await this.held?.ended;
      await this.log?.done;
      return snapshot;
    } catch (error) {
      this.isHandedOver = false;
      if (this.last === undefined) this.captureLater();
      else this.reportEnd(this.last);
      throw error;
    }
  }

  private async ended({ code, signal }: { code: number | null; signal: string | null }): Promise<void> {
    this.isOver = true;
    clearTimeout(this.timer);
    const { held, prepared, host } = this;
    if (held) host.guard.gone(held.pid);
    prepared?.release();
    await this.finishLog();
    this.last = { code, signal, problem: null };
    this.decision?.(new Error('it has ended'));
    if (!this.isHandedOver) this.reportEnd(this.last);
  }

  private reportEnd(end: JobEnd): void {
    const { job, host } = this;
    const { code, signal } = end;
    const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
    host.onEvent({ event: 'ended', job: job.name, fence: job.fence, how: this.isUnwanted ? 'as was asked for' : how });
    this.gone(this.isUnwanted ? null : end);
  }

  /** What a program has printed is there before its end is; of one that has lost its job it is not waited for long. */
  private async finishLog(): Promise<void> {
    const { log } = this;
    if (log === undefined) return;
    const done = log.finish();
    if (this.isUnwanted) {
      await Promise.race([done, sleep(500)]);
      log.giveUp();
    }
    await done;
  }

  /** It did not begin, for a reason that has to do with this node: another one, or this one later, may do better. */
  private notStarted(why: string): void {
    if (this.isUnwanted) return this.gone(null);
    const { name, fence } = this.job;
    this.prepared?.release();
    this.host.onEvent({ event: 'not-started', job: name, fence, why });
    this.host.report({ kind: 'not-started', job: name, fence, why: why.slice(0, 2000) });
  }

  private gone(end: JobEnd | null): void {
    const { name, fence } = this.job;
    this.prepared?.release();
    if (end?.problem) {
      this.host.onEvent({ event: 'ended', job: name, fence, how: `could not be run: ${end.problem}` });
    }
    this.host.report({ kind: 'ended', job: name, fence, end });
  }
}

/** What this node lacks; not the module's fault. */
const OF_THE_NODE = ['no-module', 'not-granted', 'no-store', 'untrusted'];

/** Whether every node would say the same: the module cannot be run. A job that has a snapshot has been running. */
function isOfTheJob(error: unknown, { snapshot }: JobRecord): boolean {
  if (snapshot !== null || OF_THE_NODE.includes((error as WagSnapError).code)) return false;
  return error instanceof InputError || error instanceof LimitError;
}

function problem(text: string): JobEnd {
  return { code: null, signal: null, problem: text.slice(0, 2000) };
}
