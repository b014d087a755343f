/**
 * What the lattice keeps: a record for each job and one for each node. Every write is a compare-and-swap on the
 * record's revision. docs/lattice.md says who may write which field.
 */

/** One life of a node, from its joining until it leaves or is fenced. */
export interface Holder {
  readonly node: string;
  /** Grows with each life of a node of this name. */
  readonly incarnation: number;
}

/** What a node has to offer, and what a job asks of one. */
export interface NodeOffer {
  readonly arch: readonly string[];
  readonly cpus: number;
  /** Bytes for the memories of all its jobs together. */
  readonly memory: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it has a store for snapshots of jobs. */
  readonly store: boolean;
  /** Names of the directories that it grants. */
  readonly dirs: readonly string[];
  /** Addresses at which jobs may accept connections, each one job at a time, by the names that jobs ask for. */
  readonly listen: Readonly<Record<string, string>>;
}

export interface NodeRecord {
  readonly name: string;
  readonly incarnation: number;
  /** The process that lives this life: a random word. */
  readonly session: string;
  /** Grows with each renewal by this session. */
  readonly renewal: number;
  /** Milliseconds from the sending of a renewal until the end of the lease. */
  readonly lease: number;
  /** The life is over: no program of it will ever run again. Never becomes false without a higher incarnation. */
  readonly fenced: boolean;
  /** It takes no more jobs. */
  readonly cordoned: boolean;
  /** It gives away what it has. */
  readonly draining: boolean;
  readonly offer: NodeOffer;
  /** Where other nodes send programs to, and the key that they find there. */
  readonly receiver: { readonly address: string; readonly key: string } | null;
}

export interface JobSpec {
  /** Digest of the module, `sha256:HEX`. */
  readonly module: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly arch: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Bytes that the memories of the program may have; null: no limit is known. */
  readonly memory: number | null;
  readonly dirs: readonly { readonly name: string; readonly guest: string }[];
  /** Names of the addresses at which it accepts connections. */
  readonly listen: readonly string[];
  /** Milliseconds between snapshots; null: none are taken. */
  readonly snapshotEvery: number | null;
  readonly restart: 'never' | 'on-failure' | 'always';
}

/** A snapshot that outlives its node. */
export interface DurableSnapshot {
  readonly reference: string;
  /** Of the run that it was taken of. */
  readonly fence: number;
}

export interface JobEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** Why it could not be run. */
  readonly problem: string | null;
}

export interface JobRecord {
  readonly name: string;
  /** The name that it was submitted by, together with its replicas. */
  readonly group: string;
  readonly spec: JobSpec;
  readonly desired: 'run' | 'stop';
  /** The number of times that the job has changed hands. */
  readonly fence: number;
  /** The number that it had when it was submitted: another job of this name was before. */
  readonly begun: number;
  /** Who may run it. Whoever holds it runs it only while its own lease lasts. */
  readonly holder: Holder | null;
  /** The node that it shall move to. */
  readonly to: string | null;
  /** The move by which the holder got it: a program that arrived by another one is not to begin. */
  readonly arrival: string | null;
  readonly snapshot: DurableSnapshot | null;
  /** Why its holder can take no snapshot of it; null: it can, as far as is known. */
  readonly uncaptured: string | null;
  /** How it has ended. It is over then, and nobody takes it. */
  readonly end: JobEnd | null;
  /** How often it was begun again, one after the other; a run of more than a minute starts the count anew. */
  readonly restarts: number;
  readonly history: readonly HistoryEntry[];
}

/** What can happen to a job. */
export const HAPPENINGS = [
  ...(['submitted', 'taken', 'moved', 'stopped', 'ended', 'restarted'] as const),
  ...(['not-moved', 'not-started', 'not-captured'] as const),
] as const;

export interface HistoryEntry {
  readonly fence: number;
  readonly what: (typeof HAPPENINGS)[number];
  readonly node: string | null;
  readonly note: string | null;
  /** Milliseconds since 1970, by the clock of whoever wrote it: for people only. */
  readonly at: number;
}

/** Entries that a record keeps. */
const HISTORY_LENGTH = 32;
/** Characters of a note. */
const NOTE_LENGTH = 2000;

export function withHistory(job: JobRecord, entry: Omit<HistoryEntry, 'at' | 'fence'>): readonly HistoryEntry[] {
  const note = entry.note?.slice(0, NOTE_LENGTH) ?? null;
  const before = job.history;
  // captures that fail now and then do not push out everything else
  const isAgain = entry.what === 'not-captured' && before.at(-1)?.what === 'not-captured';
  return [...(isAgain ? before.slice(0, -1) : before), { ...entry, note, fence: job.fence, at: Date.now() }].slice(
    -HISTORY_LENGTH,
  );
}

export function isSameHolder(a: Holder | null, b: Holder | null): boolean {
  return a !== null && b !== null && a.node === b.node && a.incarnation === b.incarnation;
}
