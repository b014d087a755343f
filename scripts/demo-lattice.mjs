/**
 * `npm run demo -- lattice`: a NATS server and three nodes on this machine, one of them for the other CPU (through
 * qemu-user; without that, for this one). Submits jobs (CPython; where npm has it not, a small program), moves one, kills
 * a node, drains another, and shows that the output of each job is whole.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCpython } from './cpython.mjs';
import { ensureBuilt, root } from './setup.mjs';

const folder = `${root}/build/demo-lattice`;
const [own, other] = process.arch === 'arm64' ? ['arm64', 'x64'] : ['x64', 'arm64'];
/** For CPython: what lattice-counter.wat does, and a sum of squares. */
const SCRIPT = `
import time
n = total = 0
while True:
    print(f'line {n:08}', flush=True)
    n += 1
    total += n * n
    time.sleep(0.02)
`;
/** Lines that each job prints before the next thing happens to it. */
const LINES = 25;

/** @returns exit code */
export async function demoLattice() {
  if (spawnSync('nats-server', ['--version']).error) {
    console.error('The demo of the lattice needs nats-server (Debian: apt-get install nats-server).');
    return 1;
  }
  console.log('Setting up: packages, build…');
  ensureBuilt();
  const python = findCpython();
  if (python === undefined) console.log('npm does not have CPython for us, so the jobs are of a small program.');
  const [{ findEmulator }, { connectLattice }] = await Promise.all([
    import(`${root}/dist/src/api/launch.js`),
    import(`${root}/dist/src/api/lattice.js`),
  ]);
  const arch = findEmulator(other) === undefined ? own : other;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const children = [];
  let lattice;
  try {
    const port = await freePort();
    const nats = `nats://127.0.0.1:${port}`;
    say(`nats-server --jetstream --store_dir build/demo-lattice/nats -a 127.0.0.1 -p ${port}`);
    const options = ['--jetstream', '--store_dir', `${folder}/nats`, '-a', '127.0.0.1', '-p', String(port)];
    const server = spawn('nats-server', options, { stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(server);
    await said(server, server.stderr, 'Server is ready');
    server.stderr.resume();

    const nodes = new Map();
    for (const [name, cpu] of [
      ['alpha', own],
      ['beta', own],
      ['gamma', arch],
    ]) {
      const args = ['node', '--name', name, '--arch', cpu, '--store', `${folder}/store`, '--lease', '5s'];
      say(`wag-snap ${args.join(' ').replace(root, '.')} &`);
      const node = spawn(process.execPath, ['bin/wag-snap', ...args, '--nats', nats], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(node);
      nodes.set(name, node);
      await said(node, node.stdout, '"event":"joined"');
      node.stdout.resume();
    }
    const wagSnap = (...args) => {
      say(`wag-snap ${args.map(shown).join(' ')}`);
      const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/wag-snap', ...args], {
        ...{ cwd: root, encoding: 'utf8' },
        env: { ...process.env, WAGSNAP_NATS: nats },
      });
      if (status !== 0) throw new Error(`wag-snap ${args[0]} has failed: ${stderr}`);
      process.stdout.write(stdout.replace(/^(?=.)/gm, '  '));
    };
    lattice = await connectLattice({ nats });
    const prints = (job, fence) => printsOn(lattice, job, fence);

    wagSnap('cordon', 'gamma');
    const job = ['--name', 'count', '--replicas', '2', '--snapshot-every', '1s'];
    if (python === undefined) wagSnap('submit', 'test/e2e/lattice-counter.wat', ...job);
    else wagSnap('submit', python, ...job, '--', '-c', SCRIPT);
    await prints('count', 1);
    await prints('count-2', 1);
    wagSnap('jobs');

    say(`It moves while it runs${arch === own ? '' : `, to a node for ${arch}`}:`);
    wagSnap('move', 'count', 'gamma');
    await prints('count', 2);

    const { node: victim, fence } = await lattice.job('count-2');
    while ((await lattice.job('count-2')).snapshot === null) await sleep(100);
    say(`kill -KILL (the node ${victim}): its job goes on from its last snapshot, after the lease`);
    const start = performance.now();
    nodes.get(victim).kill('SIGKILL');
    await prints('count-2', fence + 1);
    console.log(`  it runs again, ${LINES} lines after ${Math.round(performance.now() - start)} ms`);
    wagSnap('nodes');

    const before = (await lattice.job('count')).fence;
    wagSnap('drain', 'gamma');
    await prints('count', before + 1);
    wagSnap('jobs');
    wagSnap('history', 'count');
    wagSnap('stop', 'count');
    while ((await lattice.jobs()).some(({ end }) => end === null)) await sleep(100);

    say('What they have printed:');
    const all = [await check(lattice, 'count'), await check(lattice, 'count-2')];
    if (arch === own) {
      console.log(`\nTo see a move to ${other}, install qemu-user-static (Debian: apt-get install qemu-user-static).`);
    }
    return all.every(Boolean) ? 0 : 1;
  } finally {
    await lattice?.close();
    for (const child of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
  }
}

/** The numbers of the lines that a job has printed, by the holders that have. */
async function printed(lattice, job) {
  let text = '';
  const lines = new Map();
  for await (const { fence, stream, data } of lattice.logs(job)) {
    if (stream === 'stdout') text += Buffer.from(data).toString('latin1');
    lines.set(fence, text.split('\n').length - 1);
  }
  return { numbers: Array.from(text.matchAll(/^line (\d+)$/gm), ([, number]) => Number(number)), lines };
}

/** Waits until a holder of the job, or a later one, has printed some lines. */
async function printsOn(lattice, job, fence) {
  for (let from; ; await sleep(200)) {
    const { numbers, lines } = await printed(lattice, job);
    if (Math.max(...lines.keys(), 0) < fence) continue;
    from ??= numbers.length;
    if (numbers.length >= from + LINES) return;
  }
}

/** Lines are there again where a node was lost: killed, or on a busy machine without its lease. */
async function check(lattice, job) {
  const { numbers } = await printed(lattice, job);
  const different = new Set(numbers);
  const isComplete = different.size === Math.max(...numbers) + 1;
  const again = numbers.length - different.size;
  const how = again === 0 ? 'each of them once' : `${again} of them again: after the snapshot, before a node was lost`;
  console.log(`  ${job}: ${different.size} lines, ${isComplete ? how : 'but not all of them: this is a bug'}`);
  return isComplete;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until a process has printed a text. */
async function said(child, stream, text) {
  let all = '';
  await new Promise((done, fail) => {
    stream.on('data', (data) => {
      all += data;
      if (all.includes(text)) done();
    });
    child.once('exit', () => fail(new Error(`a process has ended before its time: ${all}`)));
  });
  stream.removeAllListeners('data');
}

/** An argument as it would be typed. */
function shown(argument) {
  const text = argument.replace(`${root}/`, '');
  return /[^\w@%+=:,./-]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : text;
}

function say(command) {
  console.log(`\n${command}`);
}
