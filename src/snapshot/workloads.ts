/**
 * The running processes of our images on this machine, found by what each says about itself: /proc/PID/exe is an image, or
 * an emulator (qemu-user, by its name) that has mapped one. There is no registry to go stale. Reads only; processes that we
 * may not look at (other users') are left out.
 */

import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { type ImageDescription, readImage } from '../compile/metadata/image-reader.js';
import { RT_STATE } from '../runtime/layout.js';
import { findMappedImage, isEmulator } from './mapped-image.js';
import { parseMaps } from './proc-maps.js';
import { ImageProcess } from './process.js';

/** By STATE_*. */
export const STATE_NAMES = ['starting', 'running', 'stopping', 'parked', 'trapped'] as const;

export interface WorkloadEntry {
  readonly pid: number;
  /** Of its main module; when that has none, the file's. */
  readonly module: string;
  readonly arch: string;
  readonly compiler: string;
  /** Whether it can be captured: compiled with site tables. */
  readonly capturable: boolean;
  /** Seconds since it was started. */
  readonly age: number;
  /** Resident bytes. */
  readonly memory: number;
  /** One of STATE_NAMES; undefined when its memory may not be read, as with Yama before it has named us as its tracer. */
  readonly state: string | undefined;
  /** A letter, as in ps: R running, S sleeping, T stopped... */
  readonly systemState: string;
  /** Of an emulated one, those of the emulator. */
  readonly args: readonly string[];
}

/** In the order of their pids. @param proc for tests */
export function listWorkloads(proc = '/proc'): WorkloadEntry[] {
  const uptime = Number(readFileSync(`${proc}/uptime`, 'latin1').split(' ')[0]);
  const entries: WorkloadEntry[] = [];
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue;
    const entry = readWorkload(proc, Number(name), uptime);
    if (entry) entries.push(entry);
  }
  return entries.sort((a, b) => a.pid - b.pid);
}

/** A process that is not ours, has just ended or is somebody else's is undefined. */
function readWorkload(proc: string, pid: number, uptime: number): WorkloadEntry | undefined {
  const folder = `${proc}/${pid}`;
  try {
    const { image, fd, path } = findImage(folder, pid);
    try {
      const { identity } = image;
      const { state, start } = parseStat(readFileSync(`${folder}/stat`, 'latin1'));
      return {
        pid,
        module: identity.modules.at(-1)?.name || basename(path.replace(/ \(deleted\)$/, '')),
        arch: identity.arch,
        compiler: identity.compiler,
        capturable: image.hasSites,
        age: Math.max(Math.round((uptime - start) * 100) / 100, 0),
        memory: residentBytes(readFileSync(`${folder}/status`, 'latin1')),
        state: image.hasSites ? runtimeState(pid) : undefined,
        systemState: state,
        args: readFileSync(`${folder}/cmdline`, 'utf8').split('\0').slice(0, -1),
      };
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** The image that a process runs; the caller closes the descriptor. @throws where there is none */
function findImage(folder: string, pid: number): { image: ImageDescription; fd: number; path: string } {
  const path = readlinkSync(`${folder}/exe`);
  if (isEmulator(path)) {
    const found = findMappedImage(pid, parseMaps(readFileSync(`${folder}/maps`, 'utf8')));
    if (found) return found;
  }
  const fd = openSync(`${folder}/exe`, 'r');
  try {
    return { image: readImage(fd), fd, path };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** State letter, and seconds after boot at which the process was started (proc(5), /proc/PID/stat). */
function parseStat(text: string): { state: string; start: number } {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from field 3 on
  const ticks = 100; // USER_HZ, the same on all machines
  return { state: fields[0], start: Number(fields[19]) / ticks };
}

function residentBytes(status: string): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

function runtimeState(pid: number): string | undefined {
  const process = ImageProcess.attach(pid);
  try {
    const memory = process.tryMemory();
    return memory && STATE_NAMES[memory.u32(process.runtime + RT_STATE)];
  } catch {
    return undefined;
  } finally {
    process.close();
  }
}
