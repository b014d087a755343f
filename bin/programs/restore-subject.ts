/** What `wag-snap restore` continues with: a snapshot in files, in a store or in a registry. */

import { isRegistryReference } from '../../src/api/registry-reference.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { type ChainOptions, chainPlaces } from '../options/chain.js';
import { type RegistryOptions, refuseRegistry } from '../options/registry.js';
import { trust } from '../options/trust.js';
import { UsageError } from '../options/usage.js';
import { Progress } from '../show/progress.js';
import { expectKind } from './expect-kind.js';
import { InputFile } from './input-file.js';
import { Interruption } from './interruption.js';

export interface Subject {
  /** As the user gave it. */
  readonly name: string;
  /** Whether its files are temporary ones. */
  readonly isTemporary: boolean;
  /** @throws InputError, LimitError, ToolError */
  read(): Promise<StoredSnapshot>;
  /**
   * The snapshot for a program that this process becomes, which opens the files by their paths: nobody may remove them
   * until then.
   *
   * @returns undefined when somebody may
   */
  stay(stored: StoredSnapshot): StayingSnapshot | undefined;
  /** Removes temporary files. May be called twice. */
  release(): void;
}

export interface StayingSnapshot {
  readonly stored: StoredSnapshot;
  /** To be called when this process has not become the program. */
  release(): void;
}

export interface SubjectOptions extends ChainOptions, RegistryOptions {
  readonly snapshot: string;
  /** Where an executable is written; undefined: the program runs. */
  readonly output: string | undefined;
  readonly count: string | undefined;
}

export async function openSubject(options: SubjectOptions): Promise<Subject> {
  if (isRegistryReference(options.snapshot)) return inRegistry(options);
  refuseRegistry(options);
  const input = await InputFile.openSnapshot(options.snapshot, options.store);
  const { name, isTemporary } = input;
  return {
    name,
    isTemporary,
    read: async () => {
      expectKind(input, 'restore', ['snapshot']);
      const { readRestorable } = await import('../../src/api/restored-image.js');
      return readRestorable(input.path, await chainPlaces(options, input));
    },
    stay: (stored) => {
      if (!input.isInStore) return { stored, release: () => {} };
      const links = input.link();
      return links && { stored: links.replaced(stored), release: () => links.close() };
    },
    release: () => input.release(),
  };
}

function inRegistry(options: SubjectOptions): Subject {
  const { snapshot: name, parent, search, store, plainHttp, ca, output, count } = options;
  for (const [option, value] of Object.entries({ parent, search, store })) {
    if (value !== undefined) throw new UsageError(`--${option} is for files: a registry knows what a snapshot needs`);
  }
  let close = () => {};
  return {
    name,
    isTemporary: true,
    read: async () => {
      const [{ openRemote }, { openerFor }] = await Promise.all([
        import('../../src/api/remote-restore.js'),
        import('../../src/api/seal-options.js'),
      ]);
      const interruption = new Interruption('nothing was started');
      const progress = new Progress('fetching');
      try {
        const remote = await openRemote(name, {
          opener: await openerFor(trust(options)),
          lazy: output === undefined && count === undefined,
          plainHttp,
          ca,
          signal: interruption.abortSignal,
          onProgress: (done, total) => progress.update(done, total),
        });
        close = () => remote.close();
        return remote.stored;
      } finally {
        interruption.stop();
        progress.end();
      }
    },
    stay: () => undefined,
    release: () => close(),
  };
}
