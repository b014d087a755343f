/**
 * A restored process whose pages come while it runs, with a local source of them: the snapshot that it was made of.
 */

import { closeSync, copyFileSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { LAZY_UNIT } from '../../src/image/contract/lazy-pages.js';
import type { Directory } from '../../src/restore/grants.js';
import { LazyPages, unitBytes } from '../../src/restore/lazy-pages.js';
import { writeResumable } from '../../src/restore/restore.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { type Built, Workload } from './workload.js';

export interface LazySettings {
  /** Whether the pages of a unit of memory are still to come; default: all. */
  readonly isMissing?: (unit: number) => boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly dirs?: readonly Directory[] | undefined;
  readonly stdin?: 'pipe' | 'ignore';
  /** Called with each unit that it waits for; default: it comes at once. */
  readonly onWant?: (unit: number, process: LazyProcess) => void;
}

export interface LazyProcess {
  readonly workload: Workload;
  readonly pages: LazyPages;
  /** Units that it has waited for, in this order. */
  readonly wanted: number[];
  /** The units of all memories, in the order of their addresses. */
  readonly units: readonly number[];
  /** Brings units. */
  bring(first: number, count?: number): void;
  /** Nothing comes any more. */
  end(): void;
}

const FILL = Buffer.alloc(LAZY_UNIT, 0xee);

/** The restored file has garbage where pages are missing, so that none of it is ever taken for zeros. */
export async function startLazily(
  snapshot: string,
  { image, modules, target }: Built,
  output: string,
  { isMissing = () => true, env, dirs, stdin = 'pipe', onWant }: LazySettings = {},
): Promise<LazyProcess> {
  const stored = readSnapshot(snapshot);
  await writeResumable(stored, image, modules, {
    target,
    output,
    sourceFd: 3,
    directories: dirs,
    recordedDirectories: true,
  });
  const memories = stored.snapshot.instances.flatMap((instance) => instance.memories);
  const units = memories.flatMap(({ extents }) =>
    extents.flatMap(({ fileOffset, bytes }) =>
      Array.from({ length: bytes / LAZY_UNIT }, (_, i) => fileOffset / LAZY_UNIT + i),
    ),
  );
  const full = openSync(snapshot, 'r');
  copyFileSync(snapshot, `${output}.lazy`);
  const partial = openSync(`${output}.lazy`, 'r+');
  const missing = new Uint8Array(unitBytes(fstatSync(full).size));
  for (const unit of units.filter(isMissing)) {
    missing[unit >> 3] |= 1 << (unit & 7);
    writeSync(partial, FILL, 0, LAZY_UNIT, unit * LAZY_UNIT);
  }
  const pages = new LazyPages(`${output}.list`, 'elsewhere (pid 7)', missing);
  const source = openSync(`${output}.lazy`, 'r');
  const workload = Workload.start(output, {
    stdin,
    env: { ...env, WAGSNAP_LAZY: '4' },
    descriptors: [source, 'pipe', pages.fd],
  });
  closeSync(source);
  const page = Buffer.alloc(LAZY_UNIT);
  const lazy: LazyProcess = {
    workload,
    pages,
    wanted: [],
    units,
    bring(first, count = 1) {
      for (let unit = first; unit < first + count; unit++) {
        const length = readSync(full, page, 0, LAZY_UNIT, unit * LAZY_UNIT);
        writeSync(partial, page, 0, length, unit * LAZY_UNIT);
      }
      pages.arrived(first, count);
    },
    end() {
      pages.close();
      closeSync(full);
      closeSync(partial);
    },
  };
  pages.serve(workload.socket(4));
  pages.onWanted((unit) => {
    lazy.wanted.push(unit);
    if (onWant) onWant(unit, lazy);
    else lazy.bring(unit);
  });
  return lazy;
}
