/**
 * Watches all records of the bucket: tells of each, and then of each change. When the news stop, it begins again, so
 * nothing is missed: after a lost connection, and when something that was written here does not come back. The client
 * would need more than a minute for that: what sends the news is in the memory of one NATS server of a cluster, and may be
 * lost while the connection, which is to another one, stays.
 */

import type { KV, KvWatchEntry } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeRecord } from './record-format.js';
import type { JobRecord, NodeRecord } from './records.js';

/** What is told of a record. */
export type RecordNews =
  | { readonly kind: 'node'; readonly record: NodeRecord; readonly revision: number }
  | { readonly kind: 'job'; readonly record: JobRecord; readonly revision: number }
  | { readonly kind: 'gone'; readonly job: string; readonly revision: number }
  | { readonly kind: 'node-gone'; readonly node: string; readonly revision: number };

/** How often it is looked whether news come, in milliseconds. */
const LOOK = 1000;
/** Looks, one after the other, without any news: on a busy machine time says nothing, the news may wait in this process. */
const SILENT_LOOKS = 3;
const PAUSE = 200;

export class RecordWatch {
  private stopEntries = () => {};
  private timer: NodeJS.Timeout | undefined;
  private isBeginning = false;
  private isClosed = false;
  private seen = 0;
  private silentLooks = 0;
  /** The first write that has not come back. */
  private awaited: number | undefined;

  /** @param onStatus the connection was lost, or is there again */
  constructor(
    private readonly nc: NatsConnection,
    private readonly records: KV,
    private readonly onNews: (news: RecordNews) => void,
    private readonly onStatus: (isConnected: boolean) => void,
  ) {}

  async start(): Promise<void> {
    await this.begin();
    this.timer = setInterval(() => {
      this.silentLooks = this.awaited === undefined ? 0 : this.silentLooks + 1;
      if (this.silentLooks > SILENT_LOOKS) void this.beginAgain();
    }, LOOK);
    void (async () => {
      for await (const { type } of this.nc.status()) {
        if (type === 'disconnect') this.onStatus(false);
        if (type !== 'reconnect') continue;
        this.onStatus(true);
        void this.beginAgain();
      }
    })();
  }

  /** A record was written by this connection. */
  wrote(revision: number): void {
    if (revision > this.seen) this.awaited ??= revision;
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.timer);
    this.stopEntries();
  }

  private async beginAgain(): Promise<void> {
    if (this.isBeginning) return;
    this.isBeginning = true;
    this.stopEntries();
    while (!this.isClosed) {
      try {
        await this.begin();
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
    this.isBeginning = false;
    this.silentLooks = 0;
  }

  private async begin(): Promise<void> {
    const entries = await this.records.watch({ key: '>' });
    this.stopEntries = () => entries.stop();
    if (this.isClosed) return entries.stop();
    void (async () => {
      for await (const entry of entries) this.tell(entry);
    })().catch(() => {}); // the connection is lost or closed
  }

  private tell({ key, value, revision, operation }: KvWatchEntry): void {
    this.silentLooks = 0;
    this.seen = Math.max(this.seen, revision);
    if (this.awaited !== undefined && this.awaited <= this.seen) this.awaited = undefined;
    if (operation !== 'PUT') {
      if (key.startsWith('job.')) this.onNews({ kind: 'gone', job: key.slice('job.'.length), revision });
      if (key.startsWith('node.')) this.onNews({ kind: 'node-gone', node: key.slice('node.'.length), revision });
      return;
    }
    const found = decodeRecord(key, value);
    if (found === undefined) return;
    if ('node' in found) this.onNews({ kind: 'node', record: found.node, revision });
    else this.onNews({ kind: 'job', record: found.job, revision });
  }
}
