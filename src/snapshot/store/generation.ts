/** What a store has under a name and a tag. */

import type { Facts } from './facts.js';

/** A snapshot that a store has. */
export interface Generation {
  readonly name: string;
  readonly tag: string;
  readonly facts: Facts;
  /** Bytes of its own file. */
  readonly ownSize: number;
  /** Bytes of all files that it needs, its own among them. */
  readonly size: number;
}

/** Where the files of a generation are. They stay until it is removed. */
export interface GenerationFiles {
  readonly generation: Generation;
  readonly path: string;
  /** The earlier files that it needs. */
  readonly parents: readonly string[];
  /** The digest of its manifest. */
  readonly manifest: string;
}
