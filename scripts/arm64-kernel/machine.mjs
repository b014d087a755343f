/**
 * The virtual machine: boots an ARM64 kernel in qemu-system-aarch64 with init.c, files, and the commands that init.c
 * starts. Does not know what runs in it, and judges nothing. Needs qemu-system-arm, clang and lld.
 */

import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writevSync } from 'node:fs';
import { must, root } from '../setup.mjs';
import { cpio } from './cpio.mjs';

/** The folder of all its files: kernels, the Node to install, packed files. */
export const folder = `${root}/build/arm64-kernel`;

/**
 * Boots it, and prints the console meanwhile.
 * @param kernel path of a vmlinuz file
 * @param cpu qemu's name of a CPU
 * @param lines the lines of init.c's /programs
 * @param files contents by path without a leading slash; null: a directory
 * @param show which part of a console line to print
 * @returns everything that was printed on the console, with line feeds only
 */
export async function boot({ kernel, cpu, lines, files, minutes, megabytes = 1024, show = (line) => line }) {
  const initramfs = `${folder}/initramfs`;
  mkdirSync(folder, { recursive: true });
  const base = { proc: null, sys: null, data: null, dev: null, tmp: null };
  write(initramfs, cpio({ ...base, ...files, init: compileInit(), programs: lines.join('\n') }));
  const command = ['-machine', 'virt', '-cpu', cpu, '-m', String(megabytes), '-nographic', '-nodefaults'];
  command.push('-serial', 'stdio', '-no-reboot', '-kernel', kernel, '-initrd', initramfs);
  command.push('-append', 'console=ttyAMA0 quiet panic=-1');
  console.log(`$ qemu-system-aarch64 ${command.join(' ')}`);
  const child = spawn('qemu-system-aarch64', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const failed = new Promise((_, reject) => child.on('error', reject));
  const timer = setTimeout(() => child.kill(), minutes * 60_000);
  try {
    return await Promise.race([failed, listen(child.stdout, show)]);
  } finally {
    clearTimeout(timer);
  }
}

async function listen(console, show) {
  let text = '';
  let shown = 0;
  for await (const data of console.setEncoding('utf8')) {
    text += data.replaceAll('\r', '');
    for (let end = text.indexOf('\n', shown); end >= 0; end = text.indexOf('\n', shown)) {
      const line = show(text.slice(shown, end));
      if (line !== undefined) process.stdout.write(`${line}\n`);
      shown = end + 1;
    }
  }
  return text;
}

function compileInit() {
  const output = `${folder}/init`;
  const flags = ['--target=aarch64-linux-gnu', '-ffreestanding', '-fno-stack-protector', '-O1', '-Wall'];
  must('clang', [
    ...flags,
    '-nostdlib',
    '-static',
    '-fuse-ld=lld',
    '-o',
    output,
    `${root}/scripts/arm64-kernel/init.c`,
  ]);
  return readFileSync(output);
}

function write(path, parts) {
  const fd = openSync(path, 'w');
  try {
    for (const part of parts) writevSync(fd, [part]);
  } finally {
    closeSync(fd);
  }
}
