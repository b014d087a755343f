/** A move by OpenSSH, through an sshd on the loopback interface. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { command } from '../support/command.js';
import { LOOPBACK } from '../support/loopback.js';
import { cli, ends, expectWhole, MovingCounters, movedPid } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env, pids } = counters;
const start = () => counters.start();

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
