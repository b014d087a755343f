/**
 * A program on its way from one node to another is held until it is decided where it continues, whatever becomes of the
 * link. Only a node that has the job may send it.
 */

import { join } from 'node:path';
import { setImmediate as soon } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { attachGiven } from '../../../src/api/find-process.js';
import { migrateAttached } from '../../../src/api/migrate.js';
import { type ArrivalsOptions, NodeArrivals } from '../../../src/api/node-arrivals.js';
import type { MoveEventOfNode } from '../../../src/api/node-events.js';
import { NodeGrants } from '../../../src/api/node-grants.js';
import { LogSender } from '../../../src/api/node-log.js';
import type { JobRecord } from '../../../src/lattice/records.js';
import type { Event } from '../../../src/lattice/state.js';
import { type HostKeys, temporaryKeys } from '../../../src/transport/keys.js';
import { Peers } from '../../../src/transport/peers.js';
import { parseAddress, tlsTransport } from '../../../src/transport/tls.js';
import type { Link, Transport } from '../../../src/transport/transport.js';
import { build, temporaryFolder, Workload } from '../../support/workload.js';

const folder = temporaryFolder();
const counter = join(import.meta.dirname, '../../e2e/lattice-counter.wat');
const MOVE = { job: 'job', id: 'session.1' };
const programs: Workload[] = [];
const targets: Target[] = [];
let count = 0;

afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.kill();
    await program.ended();
  }
  for (const target of targets.splice(0)) await target.arrivals.close();
});

async function started(): Promise<Workload> {
  const { path } = await build(counter, join(folder, `counter-${count++}`));
  const program = Workload.start(path);
  programs.push(program);
  await program.waitFor('line 00000003\n');
  return program;
}

/** The node that programs are sent to. */
interface Target {
  readonly arrivals: NodeArrivals;
  readonly events: (Event | MoveEventOfNode)[];
  /** Resolves when it has reported so. */
  until(what: string): Promise<void>;
}

const heldBy = (node: string | undefined) =>
  ({ holder: node === undefined ? null : { node, incarnation: 1 }, spec: { listen: [] } }) as unknown as JobRecord;

async function target(options: Partial<ArrivalsOptions> = {}): Promise<Target> {
  const events: (Event | MoveEventOfNode)[] = [];
  let wake = () => {};
  const add = (event: Event | MoveEventOfNode) => {
    events.push(event);
    wake();
  };
  const arrivals = await NodeArrivals.listen({
    ...{ address: { host: '127.0.0.1', port: 0 }, advertised: undefined, folder, grace: 600_000, trust: {} },
    ...{ grants: new NodeGrants(), nodeOf: () => 'source', jobOf: () => heldBy('source'), report: add, onEvent: add },
    ...options,
  });
  const until = async (what: string) => {
    const has = () => events.some((event) => ('kind' in event ? event.kind : event.event) === what);
    while (!has()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const made = { arrivals, events, until };
  targets.push(made);
  return made;
}

/** The way to a node, which can be cut. */
async function way({ arrivals }: Target, keys?: HostKeys): Promise<Transport & { cut(): void }> {
  const { address, key } = arrivals.receiver;
  const own = keys ?? (await temporaryKeys());
  const peers = new Peers([{ fingerprint: key, hosts: [] }], 'its record');
  const transport = tlsTransport(parseAddress(address)!, () => ({ keys: own, peers }));
  let link: Link | undefined;
  return {
    name: transport.name,
    connect: async () => (link = await transport.connect()),
    cut: () => void link?.input.destroy(),
  };
}

/** It stands still; `lost` resolves when the other side is gone. */
interface Asked {
  readonly lost: Promise<unknown>;
}

/** Sends a program. `asked` resolves when it stands still; then `decide` says where it continues. */
async function sending(program: Workload, to: Transport) {
  let ask = (_: Asked) => {};
  let decide = (_: 'here' | 'there') => {};
  const asked = new Promise<Asked>((resolve) => {
    ask = resolve;
  });
  const decided = new Promise<'here' | 'there'>((resolve) => {
    decide = resolve;
  });
  const attached = await attachGiven(String(program.pid));
  const moved = migrateAttached(attached, to, {
    move: MOVE,
    decide: async (lost) => {
      ask({ lost });
      return decided;
    },
  }).finally(() => attached.close());
  moved.catch(() => {});
  return { moved, asked, decide };
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

test('it begins when it is decided, and its output goes on where it has ended', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const grace = 654_321;
  const [there, program] = [await target({ grace }), await started()];
  const { moved, asked, decide } = await sending(program, await way(there));
  await there.until('arrived');
  await asked;
  const before = program.stdout;
  const arrived = there.arrivals.take(MOVE.id)!;
  expect(there.arrivals.take(MOVE.id)).toBeUndefined();
  expect(arrived.held.hasBegun).toBe(false);
  let text = '';
  let wake = () => {};
  expect(await arrived.held.begin()).toBe(true);
  const log = new LogSender(arrived.pipes.readers, async (_, data) => {
    text += Buffer.from(data).toString('latin1');
    wake();
    return true;
  });
  arrived.decide(true);
  program.kill();
  decide('there');
  expect((await moved).pid).toBe(arrived.held.pid);
  while (lines(text).length < 5) await new Promise<void>((resolve) => (wake = resolve));
  arrived.held.kill();
  await log.finish();
  await there.arrivals.close();
  await soon();
  // nothing is waited for when the source ends the link: it would keep the node from ending
  expect(timers.mock.calls.filter(([, time]) => time === grace)).toEqual([]);
  timers.mockRestore();
  expect(program.stdout).toBe(before);
  const all = lines(before + text);
  expect(all).toEqual(all.map((_, n) => `line ${String(n).padStart(8, '0')}`));
});

test('it continues here when that is decided, and is dropped there', async () => {
  const [there, program] = [await target(), await started()];
  const { moved, asked, decide } = await sending(program, await way(there));
  await there.until('arrived');
  await asked;
  decide('here');
  await expect(moved).rejects.toThrow('it was decided that the program continues here');
  await there.until('arrival-lost');
  expect(there.arrivals.take(MOVE.id)).toBeUndefined();
  const count = lines(program.stdout).length;
  await program.waitUntil((stdout) => lines(stdout).length > count + 3, 'more lines');
});

test('the link is lost: it stands still here and is held there, and both can still begin it', async () => {
  const [there, program] = [await target(), await started()];
  const to = await way(there);
  const { moved, asked, decide } = await sending(program, to);
  await there.until('arrived');
  const { lost } = await asked;
  to.cut();
  await lost;
  const count = lines(program.stdout).length;
  const arrived = there.arrivals.take(MOVE.id)!;
  expect(await arrived.held.begin()).toBe(true);
  arrived.decide(true);
  arrived.held.kill();
  expect(lines(program.stdout).length).toBe(count);
  decide('here');
  await expect(moved).rejects.toThrow('continues here');
  await program.waitUntil((stdout) => lines(stdout).length > count, 'more lines');
});

test('one that nobody decides about is dropped after a while', async () => {
  const [there, program] = [await target({ grace: 1 }), await started()];
  const to = await way(there);
  const { asked, decide } = await sending(program, to);
  await there.until('arrived');
  await asked;
  to.cut();
  await there.until('arrival-lost');
  await there.until('not-arrived');
  decide('here');
});

const REFUSED: readonly (readonly [string, Partial<ArrivalsOptions>, string])[] = [
  ['a node without the job', { jobOf: () => heldBy('other') }, 'source does not have the job "job"'],
  ['a job that nobody has', { jobOf: () => heldBy(undefined) }, 'source does not have the job "job"'],
  ['a job that nobody knows', { jobOf: () => undefined }, 'source does not have the job "job"'],
  [
    'what nobody has signed, where a key is demanded,',
    { trust: { keys: ['ed25519:AAAA'] } },
    'the running program of the job "job": is not signed, and must be signed by one of the keys',
  ],
  [
    'what nobody has signed, where a rule of the policy demands it for this job,',
    { trust: { policy: { path: 'policy.json', rules: [{ names: ['job'], signedBy: ['ed25519:AAAA'] }, {}] } } },
    'the running program of the job "job": is not signed, and must be signed by a key of rule 1 of policy.json',
  ],
  ['a key that no node has', { nodeOf: () => undefined }, 'does not take anything from this host'],
];

test.each(REFUSED)('%s sends nothing', async (_, options, message) => {
  const [there, program] = [await target(options), await started()];
  const { moved } = await sending(program, await way(there));
  await expect(moved).rejects.toThrow(message);
  expect(there.events.filter((event) => 'kind' in event)).toEqual([]);
  const count = lines(program.stdout).length;
  await program.waitUntil((stdout) => lines(stdout).length > count, 'more lines');
});

test('a move of the lattice is refused by a receiver that is no node', async () => {
  const { receive } = await import('../../../src/api/receive.js');
  const { PassThrough } = await import('node:stream');
  const program = await started();
  const [down, up] = [new PassThrough(), new PassThrough()];
  const received = receive(down, up, { outputDir: folder });
  const { moved } = await sending(program, {
    name: 'a receiver',
    connect: async () => ({ input: up, output: down, close: () => void down.end() }),
  });
  await expect(moved).rejects.toThrow('this receiver is no node of a lattice');
  expect((await received).pid).toBeUndefined();
});
