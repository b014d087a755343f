/** Links that end before the commit, with it, or with its answer, and a tool that is killed. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Counter, cli, ends, expectWhole, MovingCounters } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env, pids, image } = counters;

const wagSnap = (...args: readonly string[]) => counters.wagSnap(...args);
const start = () => counters.start();
const migrate = (pid: number, counter: Counter, ...more: string[]) => counters.migrate(pid, counter, ...more);
const stateOf = (pid: number) => counters.stateOf(pid);

/** Passes frames on, from the source to the receiver that it starts, up to one kind. */
const RELAY = `
  const { spawn } = require('node:child_process');
  const [kind, isPassed, node, cli] = process.argv.slice(1);
  const child = spawn(node, [cli, 'receive', '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let silent = false;
  child.stdout.on('data', (data) => silent || process.stdout.write(data));
  child.on('exit', () => process.exit(0));
  let rest = Buffer.alloc(0);
  const pass = (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32LE(0)) {
      const frame = rest.subarray(0, 5 + rest.readUInt32LE(0));
      rest = rest.subarray(frame.length);
      if (frame[4] === Number(kind)) {
        silent = true;
        if (isPassed === 'no') return child.stdin.end();
        if (isPassed === 'never') return process.stdin.off('data', pass);
      }
      child.stdin.write(frame);
    }
  };
  process.stdin.on('data', pass);
  process.stdin.on('end', () => child.stdin.end());
`;
const PREPARE = 3;
const COMMIT = 4;
/** @param isPassed whether the frame is; with `never` nothing is from there on, and nobody is told */
const relay = (kind: number, isPassed: 'yes' | 'no' | 'never') => {
  writeFileSync(join(folder, 'relay.cjs'), RELAY);
  const args = [kind, isPassed, process.execPath, cli];
  return `exec:'${process.execPath}' -e "$(cat '${join(folder, 'relay.cjs')}')" ${args.map((arg) => `'${arg}'`).join(' ')}`;
};

describe('a link that fails', () => {
  test('before the commit: it continues here', async () => {
    const counter = await start();
    const ended = await migrate(counter.pid, counter, relay(PREPARE, 'no'));
    expect([ended.status, ended.stderr]).toEqual([1, expect.stringMatching(/continues here/)]);
    expect(await stateOf(counter.pid)).toBe('running');
    expectWhole(await ends(counter, counter.pid));
  });

  test('with the commit: it is kept here, and runs nowhere', async () => {
    const counter = await start();
    const ended = await migrate(counter.pid, counter, relay(COMMIT, 'no'));
    expect([ended.status, ended.stderr]).toEqual([
      76,
      expect.stringMatching(
        new RegExp(`here pid ${counter.pid} stays parked:[^]*wag-snap resume ${counter.pid} --end[^]*`),
      ),
    ]);
    expect(await stateOf(counter.pid)).toBe('kept');
    const captured = await wagSnap('capture', String(counter.pid), '-o', join(folder, 'kept.wsnap'));
    expect([captured.status, captured.stderr]).toEqual([1, expect.stringMatching(/is kept parked by a move/)]);
    expect(await stateOf(counter.pid)).toBe('kept');
    expect(await wagSnap('resume', String(counter.pid))).toMatchObject({ status: 0, stderr: '' });
    expect(await stateOf(counter.pid)).toBe('running');
    expect(await wagSnap('resume', String(counter.pid))).toMatchObject({ status: 3 });
    expect(await wagSnap('resume', String(counter.pid), '--end')).toMatchObject({ status: 3 });
    expectWhole(await ends(counter, counter.pid));
  });

  test('with the answer: it is kept here, and runs there', async () => {
    const counter = await start();
    const ended = await migrate(counter.pid, counter, relay(COMMIT, 'yes'), '--timeout', '20s');
    expect(ended.status).toBe(76);
    expect(await stateOf(counter.pid)).toBe('kept');
    const there = (JSON.parse((await wagSnap('ps', '--json')).stdout) as { pid: number; args: string[] }[]).filter(
      ({ pid, args }) => pid !== counter.pid && args[0] === image,
    );
    pids.push(...there.map(({ pid }) => pid));
    expect(there).toHaveLength(1);
    expect(await wagSnap('resume', String(counter.pid), '--end')).toMatchObject({ status: 0, stderr: '' });
    expectWhole(await ends(counter, there[0].pid));
  });
});

test('a tool that is killed while it sends lets the program continue', async () => {
  const counter = await start();
  const stalls = relay(PREPARE, 'never');
  const tool = spawn(
    process.execPath,
    [cli, 'migrate', String(counter.pid), stalls, '--dir', `${counter.data}::/d`, '--output-dir', counter.output, '-v'],
    { env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  await new Output(tool).says('it stands still');
  tool.kill('SIGKILL');
  await once(tool, 'exit');
  expectWhole(await ends(counter, counter.pid));
});
