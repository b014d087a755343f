/** Moves over a link of 100 Mbit/s and 20 ms in each direction. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { processStatus } from '../../src/capture/process.js';
import { cli, ends, expectWhole, MovingCounters, movedPid } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { walkerProgram } from '../support/walker-program.js';
import { build, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { pids } = counters;
const relay = resolve(import.meta.dirname, '../support/slow-relay.mjs');
const LATENCY = 20; // milliseconds
const RATE = 100_000_000 / 8; // bytes a second
const link = `'${process.execPath}' '${relay}' ${LATENCY} ${RATE}`;
const receiver = `exec:exec ${link} '${process.execPath}' '${cli}' receive --stdio`;

test('a program that prints has printed each line once', async () => {
  const counter = await counters.start();
  let { pid } = counter;
  for (const more of [[], ['--compress']]) pid = movedPid(await counters.migrate(pid, counter, receiver, ...more));
  expectWhole(await ends(counter, pid));
});

const hasEnded = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.exitCode;
};

test.each([[[]], [['--lazy']], [['--max-time', '1ms', '--on-timeout', 'lazy', '--downtime', '5ms']]])(
  'a program that goes about its memory finds each page as it was: %j',
  async (more) => {
    const own = counters.ownFolder();
    mkdirSync(own);
    const image = join(own, 'walker');
    await build(walkerProgram({ pages: 64, last: 1 }), image); // 4 MiB: a third of a second
    const child = spawn(image, [], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    pids.push(child.pid!);
    await new Output(child).has('ready');
    const args = ['migrate', `${child.pid}`, receiver, '--output-dir', join(own, 'output'), ...more];
    const moved = await counters.moves(...args);
    expect([moved.status, moved.stderr]).toEqual([0, '']);
    expect(await hasEnded(child)).toBe(75);
    const there = movedPid(moved);
    while (processStatus(there) !== undefined && processStatus(there)?.state !== 'Z') await sleep(5);
    const files = readdirSync(join(own, 'output')).sort();
    expect(files.map((name) => readFileSync(join(own, 'output', name), 'utf8'))).toEqual(['', 'end\n']);
  },
);
