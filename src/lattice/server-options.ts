/** How NATS is reached, and what comes from there: types that need no client of NATS. */

export interface ServerOptions {
  /** `nats://HOST:PORT` or `tls://HOST:PORT`, several separated by commas. */
  readonly nats: string;
  /** A file with the credentials of a user, as nsc makes it. */
  readonly creds?: string | undefined;
  /** A file with the seed of an nkey. */
  readonly nkey?: string | undefined;
}

/** A piece of what a job has printed. */
export interface LogPiece {
  readonly node: string;
  readonly fence: number;
  /** Counts the pieces of one holder of the job, from 1 on. */
  readonly number: number;
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}
