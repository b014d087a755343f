/**
 * `npm run demo -- hosts`: moves a running program to another host and back, over the network. Both hosts are this
 * machine, each with a key, a receiver and a folder of its own; the program continues there on the other CPU (through
 * qemu-user; without that, on this one). Its lines are shown as they come, whichever host prints them.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureBuilt, root } from './setup.mjs';

const folder = `${root}/build/demo-hosts`;
const [own, other] = process.arch === 'arm64' ? ['arm64', 'x64'] : ['x64', 'arm64'];
/** Lines of the program that are shown on each host. */
const LINES = 5;

/** @returns exit code */
export async function demoHosts() {
  console.log('Setting up: packages, build…');
  ensureBuilt();
  const { findEmulator } = await import(`${root}/dist/src/api/launch.js`);
  const arch = findEmulator(other) === undefined ? own : other;
  rmSync(folder, { recursive: true, force: true });
  const children = [];
  let pid;
  try {
    const hosts = {};
    for (const name of ['alpha', 'beta']) {
      mkdirSync(`${folder}/${name}/data`, { recursive: true });
      hosts[name] = { keys: `${folder}/${name}/keys`, data: `${folder}/${name}/data` };
      hosts[name].fingerprint = wagSnap('keys', '--keys', hosts[name].keys).stdout.trim();
    }
    const listen = async (name, peer) => {
      const args = ['receive', '--listen', '127.0.0.1:0', '--dir', `${hosts[name].data}::data`];
      const options = [
        '--keys',
        hosts[name].keys,
        '--peer',
        hosts[peer].fingerprint,
        '--output-dir',
        `${folder}/${name}`,
      ];
      say(
        `${name}$ wag-snap receive --listen 127.0.0.1:0 --peer ${hosts[peer].fingerprint.slice(0, 14)}… --dir data::data`,
      );
      const child = started([...args, ...options]);
      children.push(child.process);
      hosts[name].address = (await child.printed('stderr', /listening at (\S+);/))[1];
      console.log(`  listens at ${hosts[name].address}`);
    };
    await listen('alpha', 'beta');
    await listen('beta', 'alpha');

    const image = `${folder}/counter`;
    wagSnap('compile', 'test/e2e/counter.wat', '-o', image);
    say('alpha$ wag-snap run counter --dir data');
    const program = spawn(image, [], {
      env: { WAGSNAP_DIR: `${hosts.alpha.data}::/d` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(program);
    pid = program.pid;
    const first = lines(program.stdout, 'alpha');
    await first.enough;

    const move = async (from, to, cpu) => {
      const target = `tls://${hosts[to].address}`;
      say(`${from}$ wag-snap migrate ${pid} ${target} --dir data::/d --arch ${cpu} --attach -v`);
      const keys = ['--keys', hosts[from].keys, '--peer', hosts[to].fingerprint];
      const options = ['--dir', 'data::/d', '--arch', cpu, '--attach', '-v'];
      const child = started(['migrate', String(pid), target, ...keys, ...options]);
      children.push(child.process);
      const moved = await child.printed('stderr', /^pid (\d+) on [^\n]*\nstood still[^\n]*\n/m);
      console.log(child.said('stderr').trimEnd().replace(/^/gm, '  '));
      pid = Number(moved[1]);
      await lines(child.process.stdout, `${to}, ${cpu}`).enough;
      child.process.kill('SIGINT'); // it runs on there
      await once(child.process, 'exit');
    };
    await move('alpha', 'beta', arch);
    await move('beta', 'alpha', own);

    say('alpha$ touch data/stop');
    writeFileSync(`${hosts.alpha.data}/stop`, '');
    while (isAlive(pid)) await sleep(10);
    pid = undefined;
    const printed = [first.all(), ...Object.keys(hosts).map((name) => outputOf(`${folder}/${name}`))].join('');
    const numbers = printed.match(/^line \d+$/gm)?.sort() ?? [];
    const isWhole = numbers.every((line, n) => Number(line.slice(5)) === n) && printed.match(/^end$/gm)?.length === 1;
    console.log(
      `  ${numbers.length} lines, ${isWhole ? 'each of them once' : 'but not each of them once: this is a bug'}`,
    );
    if (arch === own) {
      console.log(`\nTo see it on ${other}, install qemu-user-static (Debian: apt-get install qemu-user-static).`);
    }
    return isWhole ? 0 : 1;
  } finally {
    if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL');
    for (const child of children) child.kill('SIGTERM');
  }
}

/** Shows the first lines of a stream, and reads on. */
function lines(stream, where) {
  let text = '';
  let shown = 0;
  const enough = new Promise((done) => {
    stream.on('data', (data) => {
      text += data;
      const all = text.split('\n').slice(0, -1);
      for (; shown < Math.min(all.length, LINES); shown++) console.log(`  ${all[shown]}   (${where})`);
      if (shown === LINES) done();
    });
    stream.on('end', done);
  });
  return { enough, all: () => text };
}

/** What programs have printed to the files of a host. */
function outputOf(path) {
  const names = readdirSync(path).filter((name) => name.endsWith('.out'));
  return names.map((name) => readFileSync(`${path}/${name}`, 'utf8')).join('');
}

function isAlive(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1][0] !== 'Z';
  } catch {
    return false;
  }
}

function say(command) {
  console.log(`\n${command}`);
}

/** Runs wag-snap to its end. */
function wagSnap(...args) {
  const result = spawnSync(process.execPath, ['bin/wag-snap', ...args], { cwd: root, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`wag-snap ${args[0]} has failed: ${result.stderr}`);
  return result;
}

/** Starts wag-snap. `printed` resolves with what a pattern finds in its output. */
function started(args) {
  const child = spawn(process.execPath, ['bin/wag-snap', ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  const watchers = new Set();
  const changed = () => {
    for (const watch of watchers) watch();
  };
  for (const name of ['stdout', 'stderr']) {
    child[name].on('data', (data) => {
      text[name] += data;
      changed();
    });
  }
  child.on('close', changed);
  const printed = (name, pattern) =>
    new Promise((done, fail) => {
      const watch = () => {
        const found = pattern.exec(text[name]);
        if (found) done(found);
        else if (child.exitCode !== null) fail(new Error(`wag-snap ${args[0]} has ended: ${text.stderr}`));
        else return;
        watchers.delete(watch);
      };
      watchers.add(watch);
      watch();
    });
  return { process: child, printed, said: (name) => text[name] };
}
