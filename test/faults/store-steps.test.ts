/**
 * A fault at each call on a file by which a store changes: a full disk, a failing one, or the end of the tool. Afterwards
 * every generation is there that was there and was not to be removed, all are whole, prune finds all that is left, and
 * the program that was captured runs on. All calls: see support/sampling.ts.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Store } from '../../src/api/store.js';
import { random } from '../support/random.js';
import { ownPart, sample, seed } from '../support/sampling.js';
import { Output } from '../support/waiting.js';
import { type Act, FileCalls } from './file-calls.js';
import { Tally } from './tally.js';

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-steps-'));
const fixtures = join(import.meta.dirname, '../../fixtures/snapshots/v3/x64');
const [FIRST, NEWEST] = ['generations-0.wsnap', 'generations.wsnap'].map((name) => join(fixtures, name)) as [
  string,
  string,
];
const [pristine, at, out] = ['pristine', 'work/store', 'work/out'].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
const tally = new Tally('steps of stores').printAtEnd();
const next = random(seed);
const [identity, signing] = [join(folder, 'me.age'), join(folder, 'me.pem')];

let calls: FileCalls;
let child: ChildProcess;
let output: Output;
let lines = 0;
let recipient = '';
/** Name, tag and digest of all generations of the pristine store. */
let before: string[] = [];
let openStore: typeof import('../../src/api/store.js').openStore;
let WagSnapError: typeof import('../../src/base/errors.js').WagSnapError;

const all = (store: Store) => store.list().map(({ name, tag, facts }) => `${name}:${tag} ${facts.digest ?? 'hidden'}`);
const trust = { identities: [identity] };

beforeAll(async () => {
  calls = new FileCalls(join(folder, 'work'));
  ({ WagSnapError } = await import('../../src/base/errors.js'));
  const { createStore, openStore: open } = await import('../../src/api/store.js');
  openStore = open;
  const { ensureIdentity } = await import('../../src/snapshot/packing/recipients.js');
  const { ensureSigningKey } = await import('../../src/snapshot/trust/signing-key.js');
  recipient = (await ensureIdentity(identity)).publicKey;
  ensureSigningKey(signing);
  const { build, programPath } = await import('../support/workload.js');
  const { path } = await build(programPath('readline'), join(folder, 'program'));
  child = spawn(path, [], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
  output = new Output(child);
  await output.has('ready');
  const store = await createStore(pristine);
  await store.import(FIRST, 'job');
  await store.import(NEWEST, 'job');
  await store.import(FIRST, 'other');
  await store.capture(child.pid!, 'live');
  await store.capture(child.pid!, 'secret', packed());
  before = all(store);
});

afterAll(async () => {
  calls.uninstall();
  child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const packed = () => ({ compress: 'zstd', encryptTo: [recipient], signKey: signing, ...trust });

/** A disk without a free byte, until the store gives up what it keeps for this. */
const untilItGivesUp = () => existsSync(join(at, 'spare'));

/** What is done; the generations that may be gone afterwards, or be there anew. */
const STEPS: readonly (readonly [what: string, change: (store: Store) => Promise<unknown>, may: RegExp])[] = [
  ['import', (store) => store.import(NEWEST, 'job'), /^job:3 /],
  ['import in the place of another', (store) => store.import(NEWEST, 'other:1'), /^other:1 /],
  ['capture', (store) => store.capture(child.pid!, 'live'), /^live:2 /],
  ['capture, compressed, encrypted, signed', (store) => store.capture(child.pid!, 'secret', packed()), /^secret:2 /],
  ['compact', (store) => store.compact('job:2'), /^job:2 /],
  ['compact, compressed, encrypted, signed', (store) => store.compact('job:2', packed()), /^job:2 /],
  ['rm', (store) => store.remove(['job:1', 'live']), /^(job:1|live:1) /],
  ['prune', (store) => store.prune({ keep: 1 }), /^job:1 /],
  ['rm on a full disk', (store) => store.remove(['job:1', 'live']), /^(job:1|live:1) /],
  ['prune on a full disk', (store) => store.prune({ keep: 1 }), /^job:1 /],
  ['export', (store) => store.export('job:2', { to: join(out, 'file.wsnap') }), /^$/],
  [
    'export, decrypted',
    (store) => store.export('secret:1', { to: join(out, 'file.wsnap'), compress: 'zstd', ...trust }),
    /^$/,
  ],
];

/** A store of its own for each try, always at the same path. */
function fresh(): void {
  rmSync(join(folder, 'work'), { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  cpSync(pristine, at, { recursive: true });
}

/** The tool with this pid has been killed: its names are those of one that ran before. */
function buried(path: string, isIts: (name: string) => boolean = () => true): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (!isIts(entry.name)) continue;
    const own = join(path, entry.name.replace(/(wag-snap-[0-9a-f]+-\d+-)\d+(-[0-9a-f]+)/, '$11$2'));
    renameSync(join(path, entry.name), own);
    if (entry.isDirectory()) buried(own);
  }
}

async function wrongStore(may: RegExp): Promise<string | undefined> {
  const store = await openStore(at);
  const found = all(store);
  const lost = before.filter((title) => !found.includes(title) && !may.test(title));
  const made = found.filter((title) => !before.includes(title) && !may.test(title));
  if (lost.length + made.length > 0) return `lost ${lost}, made ${made}`;
  const { wrong } = await store.verify();
  if (wrong.length > 0) return wrong.join('; ');
  for (const { name, tag } of store.list()) {
    const { path, parents } = store.find(`${name}:${tag}`);
    const { openSnapshot } = await import('../../src/api/stored-snapshot.js');
    const { openerFor } = await import('../../src/api/seal-options.js');
    await openSnapshot(path, { parents, opener: await openerFor(trust) }); // with all files that it needs
  }
  const wrongOutput = await wrongExport();
  if (wrongOutput !== undefined) return wrongOutput;
  await store.prune({ keep: 100 });
  await (await openStore(at)).import(FIRST, 'after');
  const left = [...readdirSync(join(at, 'ingest')), ...readdirSync(join(at, 'lock'))];
  const blobs = readdirSync(join(at, 'blobs', 'sha256')).filter((name) => !/^[0-9a-f]{64}$/.test(name));
  const roots = readdirSync(at).filter((name) => !/^(blobs|index\.json|ingest|lock|oci-layout|spare)$/.test(name));
  if (left.length + blobs.length + roots.length > 0) return `left: ${[...left, ...blobs, ...roots]}`;
  const { blobs: more } = await store.prune({ keep: 100, dryRun: true });
  if (more > 0) return `${more} files that nothing leads to`;
  return undefined;
}

/** What was exported is complete, or not there; also if the tool was killed, or the folder could not be synced, afterwards. */
async function wrongExport(): Promise<string | undefined> {
  const files = readdirSync(out).filter((name) => !name.includes('.wag-snap-'));
  if (files.length === 0) return undefined;
  if (files.length > 1) return `outside: ${files}`;
  const { verify } = await import('../../src/api/verify.js');
  await verify(join(out, 'file.wsnap'), trust);
  return undefined;
}

async function attempt(
  change: (store: Store) => Promise<unknown>,
  fault?: { readonly at: number; readonly act: Act },
  isFull?: () => boolean,
): Promise<{ readonly isReached: boolean; readonly error?: unknown }> {
  fresh();
  calls.arm(fault, isFull);
  try {
    await change(await openStore(at));
    return { isReached: calls.disarm() };
  } catch (error) {
    return { isReached: calls.disarm(), error };
  } finally {
    // a command that cannot remove its folders ends, and is then known to have ended
    if (fault?.act === 'killed') buried(join(folder, 'work'));
    else if (fault !== undefined) buried(at, (name) => name === 'ingest' || name.startsWith('.wag-snap-'));
  }
}

function wrongError(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof WagSnapError))
    return `it throws ${String((error as Error).stack)
      .replaceAll('\n', ' | ')
      .slice(0, 900)}`;
  if (error.exitCode === 1 && !error.message.includes('\n')) return undefined;
  return `exit code ${error.exitCode}: ${error.message}`;
}

test.each(STEPS)(`every step of %s, seed ${seed}`, { timeout: 7_200_000 }, async (what, change, may) => {
  const isFull = what.endsWith('on a full disk') ? untilItGivesUp : undefined;
  const quiet = await attempt(change, undefined, isFull);
  expect(quiet.error).toBeUndefined();
  expect(await wrongStore(may)).toBeUndefined();
  await attempt(change, { at: Infinity, act: 'EIO' }, isFull);
  const faults = calls.labels.flatMap((label, at) => FileCalls.actsFor(label).map((act) => ({ label, at, act })));
  const injected = tally.injected;
  for (const fault of ownPart(sample(faults, 3, ({ act }) => act, next))) {
    const { isReached, error } = await attempt(change, fault, isFull);
    if (!isReached) continue;
    const isKilled = fault.act === 'killed';
    const wrong = (isKilled ? undefined : wrongError(error)) ?? (await wrongStore(may));
    tally.add(`${what}, ${fault.act} at call ${fault.at}, ${fault.label}`, wrong);
  }
  expect(tally.failures).toEqual([]);
  expect(tally.injected).toBeGreaterThan(injected);
  child.stdin?.write('1\n');
  await output.has(`readline ${++lines} sum ${lines}\n`); // the program runs on
});
