/**
 * Signals for a move at each of its stages. Ctrl-C and the end of a terminal reach all of its processes: the tool here,
 * and what it has started to reach the other host.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { processStatus } from '../../src/capture/process.js';
import { cli, MovingCounters } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { walkerProgram } from '../support/walker-program.js';
import { build, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { pids } = counters;
/** Half a minute and some seconds for all of it: a signal comes before that, however busy the machine is. */
const ALL_BUT_NEVER = ['--limit-rate', '20K'];
const SLOWLY = ['--limit-rate', '100K'];

/** A program with some memory, that ends once it was moved. */
async function start() {
  const own = counters.ownFolder();
  for (const name of ['', 'tmp']) mkdirSync(join(own, name));
  const image = join(own, 'walker');
  await build(walkerProgram({ pages: 128, last: 1, idle: 1_000_000 }), image);
  const child = spawn(image, [], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  pids.push(child.pid!);
  await new Output(child).has('ready');
  return { pid: child.pid!, own };
}

type Program = Awaited<ReturnType<typeof start>>;

/** The tool as the first of a process group, as in a terminal. @param command is started to reach the other host */
function migrate({ pid, own }: Program, options: readonly string[], command?: string) {
  const there = join(own, 'there');
  const receiver = command ?? `exec '${process.execPath}' '${cli}' receive --stdio`;
  const args = ['migrate', `${pid}`, `exec:echo $$ > '${there}'; ${receiver}`, '--output-dir', join(own, 'output')];
  const tool = spawn(process.execPath, [cli, ...args, '-v', ...options], {
    detached: true,
    env: { ...counters.env, TMPDIR: join(own, 'tmp') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  pids.push(tool.pid!);
  const ended = once(tool, 'close').then(([code]) => code as number);
  /** What was started, for the other host. */
  const other = async () => {
    while (!existsSync(there) || readFileSync(there, 'utf8') === '') await sleep(5);
    const found = Number(readFileSync(there, 'utf8'));
    pids.push(found);
    return found;
  };
  return { tool, said: new Output(tool), ended, other };
}

const runs = (pid: number) => processStatus(pid) !== undefined && processStatus(pid)?.state !== 'Z';

async function nothingIsLeft({ own }: Program): Promise<void> {
  while (readdirSync(join(own, 'tmp')).length > 0) await sleep(5);
  const output = join(own, 'output');
  expect(existsSync(output) ? readdirSync(output) : []).toEqual([]);
}

/** What is printed when a stage begins. */
const EARLY = [
  ['it is looked at', / answers;/, ALL_BUT_NEVER],
  ['it is sent', /^the image /m, ALL_BUT_NEVER],
] as const;

describe.each(EARLY)('while %s', (_, begins, options) => {
  test.each([
    ['SIGINT', 'all'],
    ['SIGHUP', 'all'],
    ['SIGTERM', 'the tool'],
  ] as const)('%s to %s: it continues here', async (signal, whom) => {
    const program = await start();
    const { tool, said, ended } = migrate(program, options);
    await said.says(begins);
    process.kill(whom === 'all' ? -tool.pid! : tool.pid!, signal);
    expect(await ended).toBe(1);
    const { pid } = program;
    expect(said.stderr).toContain(`wag-snap: interrupted by ${signal}\npid ${pid} continues here\n`);
    expect(await counters.stateOf(pid)).toBe('running');
    await nothingIsLeft(program);
  });
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s to the receiver: the source hears why', async (signal) => {
  const program = await start();
  const { said, ended, other } = migrate(program, ALL_BUT_NEVER);
  await said.says(/^the image /m);
  process.kill(await other(), signal);
  expect(await ended).toBe(1);
  const { pid } = program;
  expect(said.stderr).toMatch(`wag-snap: the receiver was interrupted by ${signal}\npid ${pid} continues here\n`);
  expect(await counters.stateOf(pid)).toBe('running');
  await nothingIsLeft(program);
});

test('what has not answered yet, as it asks for a password for example, is ended', async () => {
  const program = await start();
  const { tool, ended, other } = migrate(program, [], 'exec sleep 1000');
  const asking = await other();
  process.kill(-tool.pid!, 'SIGINT');
  expect(await ended).toBe(1);
  while (runs(asking)) await sleep(5);
  expect(await counters.stateOf(program.pid)).toBe('running');
});

test.each(['SIGINT', 'SIGHUP', 'SIGTERM'] as const)(
  '%s to all, when memory follows: all of it does',
  async (signal) => {
    const program = await start();
    const { tool, said, ended } = migrate(program, ['--lazy', ...SLOWLY]);
    const [, there] = /^pid (\d+) runs there/m.exec(await said.says(/^pid \d+ runs there/m))!;
    pids.push(Number(there));
    process.kill(-tool.pid!, signal);
    await said.says(`${signal}: pid ${there} there needs memory that is still here`);
    expect([await ended, said.stdout]).toEqual([0, expect.stringMatching(new RegExp(`^pid ${there} on `))]);
    while (runs(Number(there))) await sleep(5);
    const files = readdirSync(join(program.own, 'output')).filter((name) => name.endsWith('.out'));
    expect(files.map((name) => readFileSync(join(program.own, 'output', name), 'utf8'))).toEqual(['end\n']);
  },
);

test.each(['SIGINT', 'SIGHUP'] as const)('%s to all, when it is attached: it is detached', async (signal) => {
  const counter = await counters.start();
  const own = counters.ownFolder();
  mkdirSync(join(own, 'tmp'), { recursive: true });
  const { tool, said, ended } = migrate({ pid: counter.pid, own }, ['--attach', '--dir', `${counter.data}::/d`]);
  const [, there] = /^pid (\d+) on /m.exec(await said.says(/^pid \d+ on .*\n/m))!;
  pids.push(Number(there));
  await said.has(/line/);
  process.kill(-tool.pid!, signal);
  expect(await ended).toBe(0);
  expect(said.stderr).toMatch(/^detached: pid \d+ continues on .*\n/m);
  expect(runs(Number(there))).toBe(true);
});
