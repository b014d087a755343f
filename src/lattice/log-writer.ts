/**
 * Writes what a job prints to the lattice's log, in order and once. Each piece says after which one it comes, so a
 * runner that has lost the job writes nothing any more once its successor has begun to.
 */

import type { JetStreamClient, JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';

export const LOGS = 'wagsnap-logs';
export const logSubject = (job: string) => `wagsnap.log.${job}`;
export const WRONG_SEQUENCE = 10071;

/** The server compares sequences, and this one was wrong. */
export function isWrongSequence(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return code === WRONG_SEQUENCE || /wrong last sequence/.test(String(message));
}

export class LogWriter {
  /** The sequence of the last piece of the job; undefined: not known yet. */
  private last: number | undefined;
  private count = 0;

  constructor(
    private readonly js: JetStreamClient,
    private readonly manager: JetStreamManager,
    private readonly job: string,
    private readonly fence: number,
    private readonly node: string,
  ) {}

  /**
   * Resolves when NATS has it. @returns false when the job has another runner, which has printed something
   * @throws when it is not known whether it was written: try again
   */
  async write(stream: 'stdout' | 'stderr', data: Uint8Array): Promise<boolean> {
    const number = this.count + 1;
    for (;;) {
      if (this.last === undefined) {
        const found = await this.find();
        if (found !== undefined && fenceOf(found) > this.fence) return false;
        this.last = found?.seq ?? 0;
        if (found !== undefined && fenceOf(found) === this.fence && numberOf(found) === number) break;
      }
      const about = headers();
      for (const [name, value] of Object.entries({ node: this.node, fence: this.fence, stream, number })) {
        about.set(name, String(value));
      }
      const expect = { lastSubjectSequence: this.last };
      this.last = undefined; // until the answer comes
      try {
        this.last = (await this.js.publish(logSubject(this.job), data, { headers: about, expect })).seq;
        break;
      } catch (error) {
        if (!isWrongSequence(error)) throw error;
      }
    }
    this.count = number;
    return true;
  }

  private async find(): Promise<StoredMsg | undefined> {
    return (await this.manager.streams.getMessage(LOGS, { last_by_subj: logSubject(this.job) })) ?? undefined;
  }
}

const fenceOf = (message: StoredMsg) => Number(message.header?.get('fence') ?? 0);
const numberOf = (message: StoredMsg) => Number(message.header?.get('number') ?? 0);
