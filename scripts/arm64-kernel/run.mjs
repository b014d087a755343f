/**
 * `node scripts/arm64-kernel/run.mjs KERNEL [CPU]`: runs ARM64 images on a real ARM64 kernel, in qemu-system-aarch64.
 * Boots it with init.c and a few images, prints its console, and compares the outputs with those of the same programs
 * here, as x86-64 executables. Some of the images continue with snapshots of processes of this machine. Not part of CI.
 *
 * KERNEL is a vmlinuz file: scripts/arm64-kernel/fetch.sh downloads Debian's. CPU is qemu's name of a CPU; default:
 * cortex-a53, an ARMv8.0. Needs an x86-64 machine, qemu-system-arm, qemu-user-static, clang and lld. Leaves its files
 * in build/arm64-kernel.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { ensureBuilt, must, root } from '../setup.mjs';
import { compileLinked } from './compile-linked.mjs';
import { boot, folder as machineFolder } from './machine.mjs';

const here = `${root}/scripts/arm64-kernel`;
const folder = `${machineFolder}/files`;
const MINUTES = 15;
/** KiB to hash: the program must still run when it is captured here, and when it gets its signal there. */
const SNAPSHOT_SIZE = '400000';
const STOP_SIZE = '250000';

/** Programs that are simply run: name, module, and the modules that it is linked to. */
const plain = [
  ['hello', fixture('hello')],
  ['throwing', fixture('throwing')],
  ...['everything', 'vectors', 'atomics', 'memory64', 'tail-calls'].map((name) => [name, migrate(name)]),
  ['memories', migrate('memories'), { library: migrate('library') }],
  ['exceptions', migrate('exceptions'), { library: migrate('thrower') }],
  ['alive', `${here}/alive.wat`],
  ['clock', fixture('clock')],
];
const programs = [
  ...plain,
  ...['fib', 'sha256', 'fileio'].map((name) => [name, fixture(name)]),
  ['traps', `${here}/traps.wat`],
];

/** Programs that are captured: name, program and arguments, and the CPU that it is captured on. */
const snapshots = [
  ['restored', ['sha256', SNAPSHOT_SIZE], 'x64'],
  ['alive-from-x64', ['alive'], 'x64'],
  ['alive-from-arm64', ['alive'], 'arm64'],
  ['clock-from-x64', ['clock', ...'xxx'], 'x64'],
];

/** The lines for init.c: a mode, then the command. Below, how it ends there, if that differs from how it ends here. */
const lines = [
  ...plain.map(([name]) => `run /${name}`),
  'run /fib 25',
  ...Array.from({ length: 6 }, (_, n) => ['run /traps', ...'x'.repeat(n)].join(' ')),
  'noclock /clock',
  'noclock /clock x',
  `stop /sha256 ${STOP_SIZE}`,
  'dir /fileio 600',
  ...snapshots.map(([name]) => `run /${name}`),
];
const endings = { 'noclock /clock x': '[init] signal 31\n' };

const [kernel, cpu = 'cortex-a53'] = process.argv.slice(2);
if (kernel === undefined) fail('usage: node scripts/arm64-kernel/run.mjs KERNEL [CPU]');
if (process.env.WAGSNAP_BUILT !== '1') ensureBuilt();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const files = {};
for (const [name, module, linked = {}] of programs) {
  await compileLinked(module, linked, 'x64', `${folder}/${name}`);
  await compileLinked(module, linked, 'arm64', `${folder}/${name}-arm64`);
  files[name] = readFileSync(`${folder}/${name}-arm64`);
}
for (const [name, command, arch] of snapshots) {
  const snapshot = await snapshotHere(command, arch);
  wagSnap('restore', snapshot, '--arch', 'arm64', '-o', `${folder}/${name}-arm64`);
  wagSnap('restore', snapshot, '--arch', 'x64', '-o', `${folder}/${name}`);
  files[name] = readFileSync(`${folder}/${name}-arm64`);
}

const output = await boot({ kernel, cpu, lines, files, minutes: MINUTES });
let differences = 0;
for (const line of lines) {
  const got = sectionOf(line);
  const wanted = endings[line] ?? runHere(line);
  const same = got === wanted;
  console.log(`${same ? 'same as here' : 'DIFFERS'}  ${line}`);
  if (!same) console.log(`--- here\n${wanted}--- there\n${got ?? '(nothing)\n'}---`);
  if (!same) differences++;
}
process.exitCode = differences === 0 ? 0 : 1;

function fixture(name) {
  return `${root}/fixtures/programs/${name}.wasm`;
}

function migrate(name) {
  return `${root}/test/migrate/${name}.wat`;
}

/** Captures a program after its first line of output. @returns path of the snapshot */
async function snapshotHere([name, ...args], arch) {
  const path = `${folder}/${name}-${arch}.wsnap`;
  const command = [`${folder}/${name}${arch === 'x64' ? '' : '-arm64'}`, ...args];
  if (arch !== 'x64') command.unshift('qemu-aarch64-static');
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const data of child.stdout) {
    if (!String(data).includes('\n')) continue;
    wagSnap('capture', String(child.pid), '--kill', '-o', path);
    return path;
  }
  return fail(`${name} ended before it was captured`);
}

/** What one program printed there, and how it ended, without init's own messages. */
function sectionOf(line) {
  const start = output.indexOf(`[init] ${line}\n`);
  if (start < 0) return undefined;
  const [section] = output.slice(start + `[init] ${line}\n`.length).split(/\n\n\[init\] (?=\w+ \/|done)/);
  return `${section.replace(/^\[init\] {3}.*\n/gm, '').trimEnd()}\n`;
}

/** The same for this program here. */
function runHere(line) {
  const [mode, program, ...args] = line.split(' ');
  const env = mode === 'dir' ? { WAGSNAP_DIR: `${folder}::/` } : {};
  const { stdout, status, signal } = spawnSync('/bin/sh', ['-c', 'exec "$0" "$@" 2>&1', `.${program}`, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return `${stdout}[init] ${signal === null ? `exit code ${status}` : `signal ${signal}`}\n`;
}

function wagSnap(...args) {
  must(process.execPath, [`${root}/bin/wag-snap`, ...args]);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
