/**
 * Which repository of a registry has had a file of a store: the one of the last push or pull. Another repository of that
 * registry may take it from there. It is only a hint. Whether it still holds, the registry says.
 *
 *     registries.json    { "HOST": { "sha256:HEX": "REPOSITORY" } }
 */

import { existsSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeOutput } from '../base/output.js';
import { REGISTRIES } from '../snapshot/store/folders.js';
import type { SnapshotStore } from '../snapshot/store/store.js';
import { DIGEST, REPOSITORY, type RegistryReference } from '../transport/registry/reference.js';

const FILE_MAX = 64 << 20;
const schema = z.record(z.string(), z.record(z.string().regex(DIGEST), z.string().regex(REPOSITORY)));
type Known = z.infer<typeof schema>;

export class KnownRepositories {
  private readonly path: string;

  constructor(private readonly store: SnapshotStore) {
    this.path = join(store.folder, REGISTRIES);
  }

  /** The repositories from which another one may take files, by digest. */
  besides({ host, repository }: RegistryReference): ReadonlyMap<string, string> {
    const all = Object.entries(new Map(Object.entries(this.read())).get(host) ?? {});
    return new Map(all.filter(([, one]) => one !== repository));
  }

  /** Remembers that a repository has these files, and forgets those that the store has no more. Never fails. */
  note({ host, repository }: RegistryReference, digests: Iterable<string>): void {
    const before = this.read();
    const known = new Map(Object.entries(before).map(([one, files]) => [one, this.withoutGone(files)]));
    known.set(host, { ...known.get(host), ...Object.fromEntries(Array.from(digests, (one) => [one, repository])) });
    const text = JSON.stringify(Object.fromEntries(known));
    if (text === JSON.stringify(before)) return;
    try {
      writeOutput(this.path, (fd) => void writeSync(fd, text), 0o600);
    } catch {
      // a file will be sent that could have been taken from another repository
    }
  }

  private withoutGone(files: Known[string]): Known[string] {
    const { blobs } = this.store;
    return Object.fromEntries(Object.entries(files).filter(([digest]) => existsSync(blobs.pathOf(digest))));
  }

  private read(): Known {
    try {
      if (statSync(this.path).size > FILE_MAX) return {};
      return schema.safeParse(JSON.parse(readFileSync(this.path, 'utf8'))).data ?? {};
    } catch {
      return {};
    }
  }
}
