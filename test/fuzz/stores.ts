/**
 * What a hostile store (store-mutations.ts) has to bear: each action works, or ends in an error of one line with the
 * right code. None hangs, writes outside of the store, or prints a byte that a terminal would obey.
 */

import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { keepStore } from '../../bin/programs/store-upkeep.js';
import { createStore, openStore } from '../../src/api/store.js';
import { openSnapshot } from '../../src/api/stored-snapshot.js';
import { WagSnapError } from '../../src/base/errors.js';
import { random } from '../support/random.js';
import { StoreMutator } from './store-mutations.js';

const FIXTURES = resolve('fixtures/snapshots/v3/x64');
const [FIRST, NEWEST] = ['generations-0.wsnap', 'generations.wsnap'].map((name) => join(FIXTURES, name)) as [
  string,
  string,
];
/** No action takes a tenth of this. */
const PATIENCE = 30_000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal obeys
const OBEYED = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

export class HostileStores {
  /** How the actions ended: how often by code. */
  readonly ends = new Map<string, number>();
  private readonly pristine: string;
  private readonly victim: string;
  private readonly outside: string;

  /** @param folder of its own */
  constructor(folder: string) {
    [this.pristine, this.victim, this.outside] = ['pristine', 'victim', 'outside'].map((name) =>
      join(folder, name),
    ) as [string, string, string];
  }

  async prepare(): Promise<void> {
    const store = await createStore(this.pristine);
    await store.import(FIRST, 'job');
    await store.import(NEWEST, 'job');
    await store.import(FIRST, 'other');
    mkdirSync(this.outside);
    // what garbage collection, or the removal of what killed tools have left, would take
    for (const name of ['secret', '0'.repeat(64), 'wag-snap-0123456789ab-1-1-00000000'])
      writeFileSync(join(this.outside, name), 'of the user');
  }

  /** @returns what was wrong, if anything */
  async bear(seed: number): Promise<string | undefined> {
    const { victim, outside } = this;
    rmSync(victim, { recursive: true, force: true });
    cpSync(this.pristine, victim, { recursive: true });
    const mutator = new StoreMutator(victim, outside, random(seed));
    mutator.mutate();
    const before = contentsOf(outside);
    const exported = join(victim, '..', 'exported.wsnap');
    const actions: Readonly<Record<string, () => Promise<unknown>>> = {
      list: () => keepStore({ action: 'list', references: [], json: false }, victim),
      'list --json': () => keepStore({ action: 'list', references: [], json: true }, victim),
      open: async () => {
        const { path, parents } = (await openStore(victim)).find('job:2');
        await openSnapshot(path, { parents });
      },
      verify: () => keepStore({ action: 'verify', references: [], json: false }, victim),
      'prune --dry-run': () => this.prune(true),
      export: async () => (await openStore(victim)).export('job', { to: exported }),
      compact: async () => (await openStore(victim)).compact('job:2'),
      import: async () => (await createStore(victim)).import(NEWEST, 'job'),
      prune: () => this.prune(false),
      'import again': async () => (await createStore(victim)).import(FIRST, 'new'),
    };
    for (const [name, action] of Object.entries(actions)) {
      const wrong = await this.attempt(name, action);
      if (wrong !== undefined) return `${name}, ${mutator.what}: ${wrong}`;
      if (contentsOf(outside) !== before) return `${name}, ${mutator.what}: it wrote outside: ${contentsOf(outside)}`;
    }
    rmSync(exported, { force: true });
    return undefined;
  }

  private prune(dryRun: boolean): Promise<void> {
    const request = { action: 'prune', names: [], keep: 1, olderThan: undefined, dryRun, json: false } as const;
    return keepStore(request, this.victim);
  }

  private async attempt(name: string, action: () => Promise<unknown>): Promise<string | undefined> {
    const printed: string[] = [];
    const { write } = process.stdout;
    process.stdout.write = ((text: string | Uint8Array) => printed.push(String(text)) > 0) as typeof write;
    const code = process.exitCode;
    let end = 'done';
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, fail) => {
        timer = setTimeout(() => fail(new Error('it hangs')), PATIENCE);
      });
      await Promise.race([action(), late]);
    } catch (error) {
      if (!(error instanceof WagSnapError)) return `it throws ${(error as Error).stack}`;
      end = error.code;
      printed.push(error.message);
      if (![1, 3, 4].includes(error.exitCode)) return `exit code ${error.exitCode}: ${error.message}`;
      const lines = [error.headline, ...error.details];
      if (lines.some((line) => line.includes('\n') || line.length > 3000)) return `it says ${JSON.stringify(lines)}`;
      const most = name === 'verify' ? Infinity : 2; // what is wrong, and what to do
      if (lines.length > most) return `it says ${JSON.stringify(lines)}`;
    } finally {
      clearTimeout(timer);
      process.stdout.write = write;
      process.exitCode = code;
    }
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
    const text = printed.join('');
    return OBEYED.test(text) ? `it prints ${JSON.stringify(text)}` : undefined;
  }
}

/** Names and contents of files, links as what they lead to. */
function contentsOf(folder: string): string {
  return readdirSync(folder)
    .sort()
    .map((name) => `${name}: ${readFileSync(join(folder, name), 'utf8').slice(0, 40)}`)
    .join(', ');
}
