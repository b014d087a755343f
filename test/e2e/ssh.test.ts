/** Moves by OpenSSH, through an sshd on the loopback interface. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { command } from '../support/command.js';
import { LOOPBACK } from '../support/loopback.js';
import { cli, ends, expectWhole, MovingCounters, movedPid } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { canRun, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env, pids } = counters;
const start = () => counters.start();

interface Server {
  /** PATH with an `ssh` that knows it as the host `there`. */
  readonly path: string;
  close(): Promise<void>;
}

/**
 * An sshd of this test's own, with keys made for it.
 *
 * @param name of its folder @param mounts a mount namespace of its own, where each second path is the first one
 * @returns what is missing
 */
async function sshd(name: string, mounts: readonly (readonly [string, string])[] = []): Promise<Server | string> {
  const own = join(folder, name);
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
  const bound = mounts.map(([from, to]) => `mount --bind '${from}' '${to}' && `).join('');
  const command = `${bound}exec ${program} -D -e -f '${join(own, 'sshd_config')}'`;
  const [shell, ...args] = [...(mounts.length > 0 ? ['unshare', '--mount'] : []), '/bin/sh', '-c', command];
  const child = spawn(shell, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  await new Output(child).says('Server listening');
  // ssh takes its configuration from a file of this test's
  const ssh = execFileSync('sh', ['-c', 'command -v ssh'], { encoding: 'utf8' }).trim();
  writeFileSync(join(own, 'ssh'), `#!/bin/sh\nexec ${ssh} -F '${config}' "$@"\n`, { mode: 0o755 });
  return {
    path: `${own}:${process.env['PATH']}`,
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

const remote = ['--remote', `'${process.execPath}' '${cli}'`];

/** @returns the program's pid there */
async function migrate(pid: number, path: string, ...args: readonly string[]): Promise<number> {
  const moved = await command(process.execPath, [cli, 'migrate', `${pid}`, 'ssh://there', ...remote, ...args], {
    env: { ...env, PATH: path },
  });
  pids.push(movedPid(moved));
  return movedPid(moved);
}

test('goes to another host by ssh', async ({ skip }) => {
  const server = await sshd('ssh');
  if (typeof server === 'string') return skip(server);
  try {
    const counter = await start();
    const args = ['--dir', `${counter.data}::/d`, '--output-dir', counter.output];
    expectWhole(await ends(counter, await migrate(counter.pid, server.path, ...args)));
  } finally {
    await server.close();
  }
});

const canMount = spawnSync('unshare', ['--mount', 'mount', '--bind', tmpdir(), tmpdir()]).status === 0;
const other = process.arch === 'arm64' ? 'x64' : 'arm64';

test('goes to a host with other directories, and back', async ({ skip }) => {
  if (!canMount) return skip('needs root, for a mount namespace');
  const counter = await start();
  const [there, only] = ['there', 'only-there'].map((name) => join(counter.output, '..', name));
  for (const dir of [there, only, counter.output]) mkdirSync(dir, { recursive: true });
  writeFileSync(join(there, 'stop'), ''); // in what has the name of the program's directory there
  const away = await sshd('away', [
    [counter.data, only],
    [there, counter.data],
  ]);
  if (typeof away === 'string') return skip(away);
  const back = await sshd('back');
  if (typeof back === 'string') {
    await away.close();
    return skip(back);
  }
  try {
    const output = ['--output-dir', counter.output];
    const arch = canRun(other) ? other : process.arch;
    const elsewhere = await migrate(counter.pid, away.path, '--dir', `${only}::/d`, '--arch', arch, ...output);
    await printsMore(counter.output);
    const home = await migrate(elsewhere, back.path, '--dir', `${counter.data}::/d`, ...output);
    expect(readdirSync(only)).toEqual([]); // here it is another directory
    expectWhole(await ends(counter, home));
  } finally {
    await away.close();
    await back.close();
  }
});

/** Until a moved program has printed some of its lines: the directory that has its name there would have ended it. */
async function printsMore(output: string): Promise<void> {
  const lines = () =>
    readdirSync(output)
      .map((name) => readFileSync(join(output, name), 'utf8'))
      .join('')
      .split('line').length;
  for (const before = lines(); lines() < before + 3; ) await sleep(5);
}
