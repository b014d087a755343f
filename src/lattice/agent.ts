/**
 * A node at work: it hears of records, looks at the clock, lets the protocol decide, and carries out what was decided.
 * What it may do is not decided here.
 */

import type { Clock } from './clock.js';
import { hasLease } from './membership.js';
import { step } from './protocol.js';
import type { Holder, JobRecord, NodeRecord } from './records.js';
import type { Runner } from './runner.js';
import { type Effect, type Event, type NodeIdentity, type NodeState, newNode } from './state.js';

/** What an agent needs of NATS. */
export interface Records {
  write(record: NodeRecord | JobRecord, revision: number): Promise<number | undefined>;
}

/** What happens, for the log. */
export type AgentEvent =
  | { readonly event: 'waiting'; readonly why: string }
  | { readonly event: 'joined'; readonly incarnation: number }
  | { readonly event: 'lost'; readonly incarnation: number; readonly why: string }
  | { readonly event: 'lease-ended' | 'lease-back' }
  | { readonly event: 'fenced'; readonly node: string; readonly incarnation: number }
  | { readonly event: 'taken'; readonly job: string; readonly fence: number; readonly from: Holder | null }
  | { readonly event: 'left' };

/** How often a node looks at the clock, at least, in milliseconds. */
const LOOK = 500;

export class Agent {
  readonly state: NodeState;
  /** Resolves when it has left. */
  readonly left: Promise<void>;
  private hasLeft = () => {};
  private readonly timer: NodeJS.Timeout;
  private hadLease = false;
  private incarnation = 0;
  private isOver = false;

  constructor(
    identity: NodeIdentity,
    private readonly records: Records,
    private readonly runner: Runner,
    private readonly clock: Clock,
    private readonly onEvent: (event: AgentEvent) => void,
  ) {
    this.state = newNode(identity);
    this.left = new Promise((resolve) => {
      this.hasLeft = resolve;
    });
    this.timer = setInterval(
      () => this.report({ kind: 'tick' }),
      Math.min(Math.max(10, identity.timing.renew / 5), LOOK),
    );
  }

  /** Tells the node of something. */
  report(event: Event): void {
    if (event.kind === 'job') this.runner.noticed(event.record);
    if (event.kind === 'node') this.runner.heard(event.record);
    const now = this.clock();
    for (const effect of step(this.state, event, now)) this.carryOut(effect);
    this.notice(hasLease(this.state, now));
  }

  get hasLease(): boolean {
    return hasLease(this.state, this.clock());
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private carryOut(effect: Effect): void {
    const { runner } = this;
    switch (effect.do) {
      case 'write-node':
      case 'write-job':
        void this.write(effect);
        return;
      case 'lease':
        return runner.lease(effect.incarnation, effect.until);
      case 'start':
        return runner.start(effect.job, effect.incarnation);
      case 'begin':
        return runner.begin(effect.job, effect.id, effect.incarnation);
      case 'end':
        return runner.end(effect.job, effect.fence);
      case 'send':
        return runner.send(effect.job, effect.move);
      case 'commit':
        return runner.commit(effect.job, effect.id);
      case 'resume':
        return runner.resume(effect.job, effect.id);
      case 'refuse':
        return runner.refuse(effect.job, effect.id);
    }
  }

  /** An answer that does not come, or says no, is nothing: the news of the record decides. */
  private async write(effect: Extract<Effect, { do: 'write-node' | 'write-job' }>): Promise<void> {
    const before = effect.do === 'write-job' ? this.state.jobs[effect.record.name]?.record : undefined;
    let revision: number | undefined;
    try {
      revision = await this.records.write(effect.record, effect.revision);
    } catch {
      return;
    }
    if (revision === undefined) return;
    if (effect.do === 'write-job') {
      const { record } = effect;
      if (record.holder?.node === this.state.name && record.fence !== before?.fence) {
        this.onEvent({ event: 'taken', job: record.name, fence: record.fence, from: before?.holder ?? null });
      }
      return this.report({ kind: 'job', record, revision });
    }
    const { record } = effect;
    if (record.fenced && record.name !== this.state.name) {
      this.onEvent({ event: 'fenced', node: record.name, incarnation: record.incarnation });
    }
    if (record.fenced && record.name === this.state.name) this.leave();
    this.report({ kind: 'node', record, revision });
  }

  /**
   * A node that has not joined has nothing to give away and no life to fence. One that drops its programs does not wait
   * for a NATS server that is away: without a lease nothing of it runs, and others fence it when the lease has ended.
   */
  private leaveAlone(has: boolean): void {
    const { leaving, incarnation, programs } = this.state;
    if (!leaving || Object.keys(programs).length > 0) return;
    if (incarnation === 0 || (leaving === 'drop' && !has)) this.leave();
  }

  private leave(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onEvent({ event: 'left' });
    this.hasLeft();
    this.stop();
  }

  /** @param has whether it has a lease: a look at the clock is a system call */
  private notice(has: boolean): void {
    this.leaveAlone(has);
    const { state, incarnation, hadLease } = this;
    if (state.incarnation !== incarnation) {
      this.incarnation = state.incarnation;
      if (incarnation !== 0 && !state.leaving) {
        this.onEvent({ event: 'lost', incarnation, why: 'others have taken it for lost' });
      }
      if (state.incarnation !== 0) this.onEvent({ event: 'joined', incarnation: state.incarnation });
    }
    this.hadLease = has;
    if (has === hadLease || state.incarnation === 0 || state.incarnation !== incarnation) return;
    this.onEvent({ event: has ? 'lease-back' : 'lease-ended' });
  }
}
