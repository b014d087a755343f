/**
 * `node scripts/arm64-kernel/run.mjs KERNEL [CPU]`: ARM64 images on a real ARM64 kernel, in qemu-system-aarch64. Boots it
 * with init.c and a few images, prints its console, and compares with what the same programs print here, as x86-64
 * executables. One of the images goes on with a snapshot of an x86-64 process. Not part of CI.
 *
 * KERNEL is a vmlinuz: scripts/arm64-kernel/fetch.sh gets Debian's. CPU is qemu's name of one; default cortex-a53, an
 * ARMv8.0. Needs an x86-64 machine, qemu-system-arm, clang and lld. Leaves its files in build/arm64-kernel.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ensureBuilt, must, root } from '../setup.mjs';
import { cpio } from './cpio.mjs';

const here = `${root}/scripts/arm64-kernel`;
const folder = `${root}/build/arm64-kernel/files`;
const programs = `${root}/fixtures/programs`;
const MINUTES = 15;
/** KiB to hash: it must still run when it is captured here, and when it gets its signal there. */
const SNAPSHOT_SIZE = '400000';
const STOP_SIZE = '250000';

/** What init.c starts: its mode, then the command. */
const lines = [
  'run /hello',
  'run /fib 25',
  ...Array.from({ length: 6 }, (_, n) => ['run /traps', ...'x'.repeat(n)].join(' ')),
  `stop /sha256 ${STOP_SIZE}`,
  'dir /fileio 600',
  'run /restored',
];

const [kernel, cpu = 'cortex-a53'] = process.argv.slice(2);
if (kernel === undefined) fail('usage: node scripts/arm64-kernel/run.mjs KERNEL [CPU]');
if (process.env.WAGSNAP_BUILT !== '1') ensureBuilt();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const files = { proc: null, sys: null, data: null, dev: null };
for (const [name, path] of [...['hello', 'fib', 'sha256', 'fileio'].map(fixture), ['traps', `${here}/traps.wat`]]) {
  wagSnap('compile', path, '-o', `${folder}/${name}`);
  files[name] = compileArm(name, path);
}
const snapshot = await snapshotHere();
wagSnap('restore', snapshot, '--arch', 'arm64', '-o', `${folder}/restored-arm64`);
files.restored = readFileSync(`${folder}/restored-arm64`);
wagSnap('restore', snapshot, '-o', `${folder}/restored`);
files.init = compileInit();
files.programs = lines.join('\n');
writeFileSync(`${folder}/initramfs`, cpio(files));

const output = await boot();
let differences = 0;
for (const line of lines) {
  const got = sectionOf(line);
  const wanted = runHere(line);
  const same = got === wanted;
  console.log(`${same ? 'same as here' : 'DIFFERS'}  ${line}`);
  if (!same) console.log(`--- here\n${wanted}--- there\n${got ?? '(nothing)\n'}---`);
  if (!same) differences++;
}
process.exitCode = differences === 0 ? 0 : 1;

function fixture(name) {
  return [name, `${programs}/${name}.wasm`];
}

function compileArm(name, path) {
  wagSnap('compile', '--arch', 'arm64', path, '-o', `${folder}/${name}-arm64`);
  return readFileSync(`${folder}/${name}-arm64`);
}

function compileInit() {
  const output = `${folder}/init`;
  const flags = ['--target=aarch64-linux-gnu', '-ffreestanding', '-fno-stack-protector', '-O1', '-Wall'];
  must('clang', [...flags, '-nostdlib', '-static', '-fuse-ld=lld', '-o', output, `${here}/init.c`]);
  return readFileSync(output);
}

/** Captures sha256 on this CPU, on its way. @returns path of the snapshot */
async function snapshotHere() {
  const path = `${folder}/sha256.wsnap`;
  const child = spawn(`${folder}/sha256`, [SNAPSHOT_SIZE], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const data of child.stdout) {
    if (!String(data).includes('\n')) continue;
    wagSnap('capture', String(child.pid), '--kill', '-o', path);
    return path;
  }
  return fail('sha256 ended before it was captured');
}

/** @returns all that the console says, with line feeds only */
async function boot() {
  const command = ['-machine', 'virt', '-cpu', cpu, '-m', '1024', '-nographic', '-nodefaults', '-serial', 'stdio'];
  command.push('-no-reboot', '-kernel', kernel, '-initrd', `${folder}/initramfs`);
  command.push('-append', 'console=ttyAMA0 quiet panic=-1');
  console.log(`$ qemu-system-aarch64 ${command.join(' ')}`);
  const child = spawn('qemu-system-aarch64', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  child.on('error', ({ message }) => fail(message));
  const timer = setTimeout(() => child.kill(), MINUTES * 60000);
  let text = '';
  for await (const data of child.stdout) {
    const part = String(data).replaceAll('\r', '');
    process.stdout.write(part);
    text += part;
  }
  clearTimeout(timer);
  return text;
}

/** What one program printed there, and how it ended; without what init said meanwhile. */
function sectionOf(line) {
  const start = output.indexOf(`[init] ${line}\n`);
  if (start < 0) return undefined;
  const section = output.slice(start + `[init] ${line}\n`.length).split('\n\n[init] ')[0];
  return `${section.replace(/^\[init\] {3}.*\n/gm, '').trimEnd()}\n`;
}

/** The same of the same program here. */
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
