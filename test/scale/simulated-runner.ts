/** Programs that are none: each begins at once, and is sent to another node in no time, by a snapshot that is none. */

import type { JobRecord } from '../../src/lattice/records.js';
import type { Report, Runner } from '../../src/lattice/runner.js';
import type { Event, Move } from '../../src/lattice/state.js';

export class SimulatedRunner implements Runner {
  report: Report = () => {};

  start({ name, fence }: JobRecord): void {
    this.later({ kind: 'running', job: name, fence });
  }

  begin(job: JobRecord): void {
    this.start(job);
  }

  end(job: string, fence: number): void {
    this.later({ kind: 'ended', job, fence, end: null });
  }

  send({ name, fence }: JobRecord, { id }: Move): void {
    this.fences.set(name, fence);
    this.later({ kind: 'parked', job: name, id, snapshot: { reference: `${name}:1`, fence }, note: null });
  }

  commit(job: string): void {
    this.later({ kind: 'ended', job, fence: this.fences.get(job) ?? 0, end: null });
    this.fences.delete(job);
  }

  resume(): void {}
  refuse(): void {}
  lease(): void {}
  noticed(): void {}
  heard(): void {}

  /** Of programs that are on their way. */
  private readonly fences = new Map<string, number>();

  private later(event: Event): void {
    setImmediate(() => this.report(event));
  }
}
