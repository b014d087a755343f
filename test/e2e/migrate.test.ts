/**
 * Moves of a program between hosts: from the command line, through pipes that fail and through sshd on the loopback
 * interface. After all moves, it has printed each of its lines once.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findEmulator } from '../../src/api/launch.js';
import { processStatus } from '../../src/capture/process.js';
import { command, type Ended } from '../support/command.js';
import { LOOPBACK } from '../support/loopback.js';
import { type Counter, cli, ends, expectWhole, MovingCounters, movedPid, receiver } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { temporaryFolder } from '../support/workload.js';
import { writerProgram } from '../support/writer-program.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env, pids, image } = counters;
const other = process.arch === 'arm64' ? 'x64' : 'arm64';

const wagSnap = (...args: readonly string[]) => counters.wagSnap(...args);
const start = () => counters.start();
const migrate = (pid: number, counter: Counter, ...more: string[]) => counters.migrate(pid, counter, ...more);
const stateOf = (pid: number) => counters.stateOf(pid);

describe('a program', () => {
  test('ends here and continues there', async () => {
    const counter = await start();
    const moved = await migrate(counter.pid, counter, receiver, '-v');
    expect(moved).toMatchObject({ status: 0 });
    expect(moved.stderr).toMatch(/stood still for [\d.]+ ms, \d+ bytes were sent/);
    if (counter.child.exitCode === null) await once(counter.child, 'close');
    expect([counter.child.exitCode, counter.out.stderr]).toEqual([
      75,
      expect.stringMatching(/^wag-snap: ended by a capture; continues from pid \d+ on /),
    ]);
    expectWhole(await ends(counter, movedPid(moved)));
  });

  test('goes to the other CPU and back, three times', async ({ skip }) => {
    if (findEmulator('arm64') === undefined && process.arch !== 'arm64') skip('needs qemu-user-static');
    const counter = await start();
    let { pid } = counter;
    for (const arch of [other, process.arch, other, process.arch, other, process.arch]) {
      pid = movedPid(await migrate(pid, counter, receiver, '--arch', arch));
    }
    expectWhole(await ends(counter, pid));
  });

  test('finds each of its writes, wherever it is moved while it writes', async ({ skip }) => {
    if (findEmulator('arm64') === undefined && process.arch !== 'arm64') skip('needs qemu-user-static');
    const own = counters.ownFolder();
    const writer = join(folder, 'writer');
    writeFileSync(`${writer}.wat`, writerProgram({ pace: 20_000, last: 4 }));
    expect(await wagSnap('compile', `${writer}.wat`, '-o', writer)).toMatchObject({ status: 0 });
    const child = spawn(writer, [], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    await new Output(child).has('ready');
    let pid = child.pid!;
    pids.push(pid);
    const rounds: number[] = [];
    for (const arch of [process.arch, other, other, process.arch]) {
      const args = ['--output-dir', own, '--arch', arch, '--json', '--downtime', '1ms'];
      const { stdout, stderr } = await wagSnap('migrate', String(pid), receiver, ...args);
      expect(stderr).toBe('');
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; pid: number });
      pid = events.find(({ event }) => event === 'moved')!.pid;
      pids.push(pid);
      rounds.push(events.filter(({ event }) => event === 'round').length);
    }
    expect(rounds[0]).toBeGreaterThan(0); // most of it was sent while it ran
    // the last one ends by itself; a write that it does not find is a trap
    while (processStatus(pid) !== undefined && processStatus(pid)?.state !== 'Z') await sleep(5);
    const said = readdirSync(own).filter((name) => name.endsWith('.err'));
    expect(said).toHaveLength(4);
    expect(said.map((name) => readFileSync(join(own, name), 'utf8')).filter((text) => /trap/.test(text))).toEqual([]);
  });

  test('is copied, and both continue', async () => {
    const counter = await start();
    const copy = movedPid(await migrate(counter.pid, counter, receiver, '--keep'));
    expect(await stateOf(counter.pid)).toBe('running');
    const lines = await ends(counter, copy);
    expect(lines.filter((line) => line === 'end')).toHaveLength(2);
    expect(counter.child.exitCode).toBe(0);
  });

  test('is only looked at by a dry run', async () => {
    const counter = await start();
    const looked = await migrate(counter.pid, counter, receiver, '--dry-run', '--json');
    expect(looked.stdout).toMatch(/^\{"event":"ready","host":/m);
    expect(looked.stdout).toMatch(/\n\{"event":"possible","host":"[^"]+"\}\n$/);
    expectWhole(await ends(counter, counter.pid));
    expect(readdirSync(counter.output)).toEqual([]);
  });
});

/** A program that writes to megabytes of memory, and ends after a while. */
async function startWriter(): Promise<number> {
  const writer = join(folder, 'fast-writer');
  if (!existsSync(writer)) {
    writeFileSync(`${writer}.wat`, writerProgram({ pace: 20_000, last: 30 }));
    expect(await wagSnap('compile', `${writer}.wat`, '-o', writer)).toMatchObject({ status: 0 });
  }
  const child = spawn(writer, [], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  await new Output(child).has('ready');
  pids.push(child.pid!);
  return child.pid!;
}

interface Event {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** @returns what it prints with --json */
async function events(pid: number, ...options: readonly string[]): Promise<{ status: unknown; events: Event[] }> {
  const args = ['--output-dir', counters.ownFolder(), '--json', ...options];
  const { stdout, status } = await wagSnap('migrate', String(pid), receiver, ...args);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const moved = events.at(-1);
  if (moved?.event === 'moved') pids.push(moved['pid'] as number);
  return { status, events };
}

describe('how it is sent', () => {
  test('compressed: fewer bytes are on the way, and no more than may be in a second', async () => {
    const pid = await startWriter();
    const started = performance.now();
    const sent = await events(pid, '--compress', '--limit-rate', '1M', '--downtime', '200ms');
    const [connected] = sent.events;
    expect(['zstd', 'brotli']).toContain(connected['codec']);
    const moved = sent.events.at(-1)!;
    expect(moved).toMatchObject({ event: 'moved' });
    expect(moved['wire']).toBeLessThan((moved['bytes'] as number) / 2);
    expect((moved['wire'] as number) / 2 ** 20 - 0.1).toBeLessThan((performance.now() - started) / 1000);
    const rounds = sent.events.filter(({ event }) => event === 'round');
    expect(rounds.map(({ round }) => round)).toEqual(rounds.map((_, n) => n + 1));
    expect(sent.events.filter(({ event }) => event === 'left')).toHaveLength(rounds.length);
  });

  test('for no longer than it may: then it is stopped, or continues here', async () => {
    const pid = await startWriter();
    // less than any pause
    const strict = ['--downtime', '1ms', '--max-time', '50ms'];
    const cancelled = await events(pid, ...strict, '--on-timeout', 'cancel');
    expect(cancelled.events.at(-1)).toMatchObject({
      event: 'failed',
      code: 'timeout',
      exitCode: 4,
      headline: expect.stringMatching(/writes too fast: after 50 ms it would stand still for \d+ ms, not 1$/),
      details: [`pid ${pid} continues here`],
    });
    expect([cancelled.status, await stateOf(pid)]).toEqual([4, 'running']);
    expect((await events(pid, ...strict)).events.at(-1)).toMatchObject({ event: 'moved' });
    const alone = await wagSnap('migrate', '1', 'other', '--on-timeout', 'cancel');
    expect([alone.status, alone.stderr]).toEqual([2, expect.stringMatching(/--on-timeout cancel needs --max-time/)]);
  });

  test('with the contents of its files, where that is asked for', async () => {
    const own = counters.ownFolder();
    const [here, same, other] = ['here', 'same', 'other'].map((name) => join(own, name));
    for (const dir of [here, same, other]) {
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'named'), dir === other ? 'not this' : 'contents');
      utimesSync(join(dir, 'named'), 1000, 1000);
    }
    const image = join(folder, 'files');
    const program = join(import.meta.dirname, '../wasi/programs/files.wasm');
    expect(await wagSnap('compile', program, '-o', image)).toMatchObject({ status: 0 });
    const child = spawn(image, [], { env: { WAGSNAP_DIR: `${here}::/` }, stdio: ['pipe', 'pipe', 'ignore'] });
    pids.push(child.pid!);
    const out = new Output(child);
    child.stdin.write('open 4 /named r\n');
    await out.has('open 4');
    const warnings = async (dir: string, ...options: string[]) => {
      const looked = await events(child.pid!, '--dry-run', '--dir', `${dir}::/`, ...options);
      return looked.events.find(({ event }) => event === 'ready')!['warnings'];
    };
    expect(await warnings(other)).toEqual([]); // of the same size and age
    expect(await warnings(same, '--hash-files')).toEqual([]);
    expect(await warnings(other, '--hash-files')).toEqual([expect.stringMatching(/contents|sha256/)]);
  });
});

describe('what is wrong there is said, and it continues here', () => {
  const cases: [string, (counter: Counter) => Promise<Ended>, number, RegExp][] = [
    [
      'no directory',
      ({ pid }) => wagSnap('migrate', String(pid), receiver),
      3,
      /descriptor 3, directory "\/d": no directory was given for it/,
    ],
    [
      'too much memory',
      (counter) => migrate(counter.pid, counter, `${receiver} --max-memory 64K`),
      4,
      /has 1310720 bytes of memory, .* allows 65536/,
    ],
    ['nobody', (counter) => migrate(counter.pid, counter, 'exec:exit 0'), 1, /the connection .* is gone/],
    ['something else', (counter) => migrate(counter.pid, counter, 'exec:echo Welcome'), 3, /is not wag-snap's/],
    [
      'silence',
      (counter) => migrate(counter.pid, counter, 'exec:cat >/dev/null', '--timeout', '100ms'),
      1,
      /has said nothing|connection to the other side is gone/,
    ],
    [
      'all of it at once',
      ({ pid }) => wagSnap('migrate', String(pid), `${receiver} --max-memory 64K`, '--output-dir', '/dev/null/x'),
      4,
      /cannot take the program, for 3 reasons:\n {2}the program has 1310720 bytes .*\n(.*\n)* {4}descriptor 3, directory "\/d": no directory.*\n(.*\n)* {2}\/dev\/null\/x: the folder/,
    ],
    [
      'no place for its output',
      ({ pid, data }) =>
        wagSnap('migrate', String(pid), receiver, '--dir', `${data}::/d`, '--output-dir', '/dev/null/x'),
      1,
      /the folder for its output cannot be made/,
    ],
  ];
  test.each(cases)('%s', async (_, act, status, message) => {
    const counter = await start();
    const ended = await act(counter);
    expect([ended.status, ended.stderr]).toEqual([status, expect.stringMatching(message)]);
    expect(ended.stderr.trimEnd().split('\n').at(-1)).toBe(`pid ${counter.pid} continues here`);
    expect(await stateOf(counter.pid)).toBe('running');
    expectWhole(await ends(counter, counter.pid));
  });

  test('a limit of its own is not said to be that of the host', async () => {
    const { pid } = await start();
    const ended = await wagSnap('migrate', String(pid), receiver, '--max-memory', '128K', '--dry-run');
    expect([ended.status, ended.stderr]).toEqual([
      4,
      expect.stringMatching(/1310720 bytes .*, --max-memory allows 131072$/m),
    ]);
    expect(ended.stderr).not.toContain('continues here'); // nothing was to be moved
  });

  test('for programs, too: the last object says it', async () => {
    const last = async (...args: string[]) => {
      const { status, stdout } = await wagSnap('migrate', ...args, '--json');
      return { status, ...(JSON.parse(stdout.trim().split('\n').at(-1)!) as object) };
    };
    expect(await last('999999999', receiver)).toMatchObject({ status: 3, event: 'failed', exitCode: 3 });
    expect(await last('1', receiver, '--lazy', '--keep')).toMatchObject({ status: 2, event: 'failed', code: 'usage' });
    const { pid } = await start();
    const looked = await last(String(pid), receiver, '--dry-run');
    expect(looked).toMatchObject({ status: 3, event: 'failed', details: expect.any(Array) });
  });
});

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

/** An sshd of this test's own, with keys made for it. */
async function sshd(): Promise<{ readonly config: string; close(): Promise<void> } | string> {
  const own = join(folder, 'ssh');
  mkdirSync(own, { mode: 0o700 });
  const program = '/usr/sbin/sshd';
  if (!existsSync(program)) return 'needs openssh-server';
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(own, name)]);
  }
  const port = await freePort();
  writeFileSync(
    join(own, 'sshd_config'),
    [
      `ListenAddress ${LOOPBACK}:${port}`,
      `HostKey ${join(own, 'host')}`,
      `AuthorizedKeysFile ${join(own, 'user.pub')}`,
      `PidFile ${join(own, 'pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      `SetEnv XDG_CACHE_HOME=${env.XDG_CACHE_HOME} XDG_STATE_HOME=${env.XDG_STATE_HOME}`,
    ].join('\n'),
  );
  const config = join(own, 'config');
  writeFileSync(
    config,
    [
      'Host there',
      `HostName ${LOOPBACK}`,
      `Port ${port}`,
      `User ${userInfo().username}`,
      `IdentityFile ${join(own, 'user')}`,
      `UserKnownHostsFile ${join(own, 'known')}`,
      'StrictHostKeyChecking accept-new',
      'BatchMode yes',
    ].join('\n'),
  );
  const child = spawn(program, ['-D', '-e', '-f', join(own, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Output(child).says('Server listening');
  return {
    config,
    async close() {
      child.kill();
      await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

test('goes to another host by ssh', async ({ skip }) => {
  const server = await sshd();
  if (typeof server === 'string') return skip(server);
  try {
    // ssh takes its configuration from a file of this test's
    const bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
    writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec ${ssh} -F '${server.config}' "$@"\n`, { mode: 0o755 });
    const counter = await start();
    const args = ['--dir', `${counter.data}::/d`, '--output-dir', counter.output];
    const remote = ['--remote', `'${process.execPath}' '${cli}'`];
    const moved = await command(
      process.execPath,
      [cli, 'migrate', String(counter.pid), 'ssh://there', ...args, ...remote],
      { env: { ...env, PATH: `${bin}:${process.env['PATH']}` } },
    );
    pids.push(movedPid(moved));
    expectWhole(await ends(counter, movedPid(moved)));
  } finally {
    await server.close();
  }
});
