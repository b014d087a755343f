/** Runs the actions of `wag-snap snapshots` on a store, and prints their results. */

import { type FormOptions, readKeys, type TrustOptions } from '../../src/api/seal-options.js';
import {
  createStore,
  type Generation,
  type ImportOptions,
  openStore,
  type Removed,
  type Store,
} from '../../src/api/store.js';
import { InputError } from '../../src/base/errors.js';
import { quoted, terminalJson, terminalLines } from '../../src/base/terminal-text.js';
import { generationJson, generationTable } from '../show/generations.js';
import { Progress } from '../show/progress.js';
import { printResult } from '../show/result.js';
import { formatBytes } from '../show/units.js';
import { withInput } from './input-file.js';
import { Interruption } from './interruption.js';

export type StoreRequest =
  | { readonly action: 'list'; readonly references: readonly string[]; readonly json: boolean }
  | { readonly action: 'verify'; readonly references: readonly string[]; readonly json: boolean }
  | {
      readonly action: 'rm' | 'compact';
      readonly references: readonly string[];
      readonly json: boolean;
      readonly how: FormOptions & TrustOptions;
    }
  | {
      readonly action: 'export';
      readonly reference: string;
      readonly output: string;
      readonly how: FormOptions & TrustOptions;
    }
  | {
      readonly action: 'import';
      readonly file: string;
      readonly reference: string;
      /** Where the earlier files are that it needs, besides its own folder. */
      readonly places: Pick<ImportOptions, 'parents' | 'search'>;
      readonly how: TrustOptions;
    }
  | {
      readonly action: 'prune';
      readonly names: readonly string[];
      readonly keep: number | undefined;
      readonly olderThan: number | undefined;
      readonly dryRun: boolean;
      readonly json: boolean;
    };

interface Work {
  readonly signal: AbortSignal;
  onProgress(done: number, total: number): void;
}

/** @param folder as the user gave it */
export async function keepStore(request: StoreRequest, folder: string | undefined): Promise<void> {
  if (request.action === 'list') {
    const generations = await listed(request.references, folder);
    return print(request.json ? `${terminalJson(generations.map(generationJson))}\n` : generationTable(generations));
  }
  const store = await (request.action === 'import' ? createStore(folder) : openStore(folder));
  const interruption = new Interruption('the store is as before');
  const progress = new Progress(VERBS[request.action]);
  const work: Work = {
    signal: interruption.abortSignal,
    onProgress: (done, total) => progress.update(done, total),
  };
  try {
    const print = await act(store, request, work);
    progress.end();
    print();
  } finally {
    interruption.stop();
    progress.end();
  }
}

const VERBS = {
  rm: 'removing',
  prune: 'removing',
  verify: 'verifying',
  compact: 'copying',
  export: 'copying',
  import: 'copying',
} as const;

/** @returns a function that prints the result */
async function act(store: Store, request: Exclude<StoreRequest, { action: 'list' }>, work: Work): Promise<() => void> {
  switch (request.action) {
    case 'rm': {
      const removed = await store.remove(request.references);
      return () => printRemoved(removed, false, request.json);
    }
    case 'prune': {
      const { names, keep, olderThan, dryRun, json } = request;
      const removed = await store.prune({ names: names.length === 0 ? undefined : names, keep, olderThan, dryRun });
      return () => printRemoved(removed, dryRun, json);
    }
    case 'verify': {
      const { generations, wrong } = await store.verify(request.references, work);
      return () => printVerified(store, generations, wrong, request.json);
    }
    case 'compact': {
      const done: string[] = [];
      const how = await readKeys(request.how);
      try {
        for (const reference of request.references) {
          done.push(titleOf(await store.compact(reference, { ...how, ...work })));
        }
      } catch (error) {
        if (done.length > 0) printLines(done);
        throw error;
      }
      return () => printLines(done);
    }
    case 'export': {
      // of the library's paths none means standard output
      const to = request.output === '-' ? '/dev/stdout' : request.output;
      await store.export(request.reference, { to, ...request.how, ...work });
      return () => printResult(request.output, request.output);
    }
    case 'import': {
      const how = { ...request.how, ...request.places, ...work };
      const generation = await withInput(request.file, ({ path }) => store.import(path, request.reference, how));
      return () => printLines([titleOf(generation)]);
    }
  }
}

/** A store that does not exist yet is listed as empty. */
async function listed(names: readonly string[], folder: string | undefined): Promise<Generation[]> {
  try {
    return (await openStore(folder)).list(names);
  } catch (error) {
    const isEmpty = error instanceof InputError && error.code === 'no-store' && folder === undefined;
    if (isEmpty && names.length === 0) return [];
    throw error;
  }
}

function printRemoved({ removed, blobs, bytes, leftOvers }: Removed, dryRun: boolean, json: boolean): void {
  const names = removed.map(titleOf);
  if (json) return print(`${terminalJson({ removed: names, files: blobs, bytes, leftOvers })}\n`);
  const would = dryRun ? 'would go' : 'removed';
  printLines([...names.map((name) => `${name}: ${would}`), `${blobs} files, ${formatBytes(bytes)}: ${would}`]);
  if (leftOvers > 0) printLines([`left unfinished by killed commands: ${leftOvers} removed`]);
}

/** @throws InputError after it has printed what is wrong */
function printVerified(store: Store, generations: number, wrong: readonly string[], json: boolean): void {
  if (json) print(`${terminalJson({ generations, wrong })}\n`);
  if (wrong.length > 0) {
    throw new InputError(
      'store',
      `${quoted(store.folder)}: not all of the store is what was put into it:`,
      wrong.map((line) => `  ${line}`),
    );
  }
  if (!json) printLines([`${generations} snapshots: whole`]);
}

function titleOf({ name, tag }: Generation): string {
  return `${name}:${tag}`;
}

function printLines(lines: readonly string[]): void {
  print(terminalLines(lines));
}

function print(text: string): void {
  process.stdout.write(text);
}
