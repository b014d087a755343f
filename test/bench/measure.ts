/** Running and timing commands, and the ELF section that one figure compares. Needs bash, for its `time`. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

/** Rounds of every measurement; figures are medians of them. */
export const ROUNDS = 5;

/** Images, snapshots and the programs' own files; made empty by main.ts. */
export const folder = resolve('build/bench');

export function emptyFolder(): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

export const wagSnap: readonly string[] = [process.execPath, resolve('bin/wag-snap')];

/** What an image needs to use the working directory as "."; the command line sets the same. */
export const imageEnvironment = { ...process.env, WAGSNAP_DIR: `${folder}::.` };

export function program(name: string): string {
  return resolve(`fixtures/programs/${name}.wasm`);
}

/** Compiles one of fixtures/programs; returns the image's path. */
export function compile(name: string, ...options: string[]): string {
  const image = `${folder}/${name}${options.join('')}`;
  check([...wagSnap, 'compile', program(name), '-o', image, ...options]);
  return image;
}

/** Runs a command in the folder; returns its stdout. Throws when it fails. */
export function check(command: readonly string[]): string {
  const { status, signal, error, stdout, stderr } = spawnSync(command[0], command.slice(1), {
    cwd: folder,
    env: imageEnvironment,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 28,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command.join(' ')}: exit ${status ?? signal}\n${stderr.toString().slice(-800)}`);
  return stdout.toString('latin1');
}

/** Seconds of user and system time of a whole run, its children included; resolution 1 ms. */
export function processTime(command: readonly string[]): number {
  const script = 'TIMEFORMAT="%3U %3S"; time "$@" >/dev/null 2>/dev/null';
  const { status, stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], {
    cwd: folder,
    env: { ...imageEnvironment, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const match = /(\d+\.\d+) (\d+\.\d+)\s*$/.exec(stderr.toString());
  if (status !== 0 || !match) throw new Error(`${command.join(' ')}: exit ${status}`);
  return Number(match[1]) + Number(match[2]);
}

/** Seconds of wall time of one run, from `count` runs one after the other in a shell loop. */
export function wallTimeOfMany(command: string, count: number): number {
  const script = 's=$EPOCHREALTIME; for ((i = 0; i < $2; i++)); do "$1" >/dev/null; done; echo $s $EPOCHREALTIME';
  const { stdout } = spawnSync('bash', ['-c', script, 'bash', command, String(count)], {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [start, end] = stdout.toString().split(' ').map(Number);
  return (end - start) / count;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The contents of a section of a 64-bit little-endian ELF file (gABI, "Sections"). */
export function elfSection(path: string, name: string): Buffer {
  const file = readFileSync(path);
  const headers = Number(file.readBigUInt64LE(0x28));
  const size = file.readUInt16LE(0x3a);
  const header = (index: number) => {
    const at = headers + index * size;
    const offset = Number(file.readBigUInt64LE(at + 0x18));
    return {
      name: file.readUInt32LE(at),
      bytes: file.subarray(offset, offset + Number(file.readBigUInt64LE(at + 0x20))),
    };
  };
  const names = header(file.readUInt16LE(0x3e)).bytes;
  for (let index = 1; index < file.readUInt16LE(0x3c); index++) {
    const section = header(index);
    if (names.toString('latin1', section.name, names.indexOf(0, section.name)) === name) return section.bytes;
  }
  throw new Error(`${path} has no section ${name}`);
}
