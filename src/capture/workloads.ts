/**
 * Lists the running processes of our images on this machine. Each is recognized by itself: /proc/PID/exe is an image,
 * or an emulator (qemu-user, by its name) that has mapped one. So no registry can get outdated. Only reads. Processes
 * that may not be inspected (other users') are left out.
 *
 * Any of them may be hostile: every read has a limit, nothing waits for a process, and a faulty process only affects
 * its own entry.
 */

import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { WagSnapError } from '../base/errors.js';
import { isTemporaryFolder } from '../base/temporary.js';
import { isCacheEntry } from '../image/cache.js';
import { FLAG_KEPT, RT_FLAGS, RT_MAGIC, RUNTIME_MAGIC, STATE_RUNNING } from '../image/contract/runtime-block.js';
import { TH_STATE } from '../image/contract/thread.js';
import { readElf } from '../image/elf.js';
import { isEmulator } from '../image/emulator.js';
import { FileSource } from '../image/file-source.js';
import { type ImageDescription, openImage } from '../image/reader.js';
import { isStarter } from '../image/starter.js';
import { SECTION } from '../image/tables/sections.js';
import { missingBytes } from './arriving-pages.js';
import { findMappedImage, hasStarter } from './mapped-image.js';
import { MAPS_MAX, parseMaps } from './proc-maps.js';
import { loadAddress, threadOf } from './process.js';
import { argumentsOf } from './process-arguments.js';
import { ProcessFolder, startOf } from './process-folder.js';
import { ProcessMemory } from './process-memory.js';
import { nameOfWorkload } from './workload-name.js';

/** Names by STATE_*. */
const STATE_NAMES = ['starting', 'running', 'stopping', 'parked', 'trapped'] as const;
/**
 * What a workload does or waits for; `kept`: a move has left it parked (kept.ts); `arriving`: it runs, and not all of its
 * memory is there yet (arriving-pages.ts).
 */
export type WorkloadState = (typeof STATE_NAMES)[number] | 'kept' | 'arriving';

/** @param runtime address of the runtime block. @returns undefined for an unknown state */
export function stateName(memory: ProcessMemory, runtime: number): WorkloadState | undefined {
  if ((memory.u32(runtime + RT_FLAGS) & FLAG_KEPT) !== 0) return 'kept';
  const state = memory.u32(threadOf(runtime) + TH_STATE);
  return state === STATE_RUNNING && missingBytes(memory, runtime) > 0 ? 'arriving' : STATE_NAMES[state];
}

/** How much of one process's identity is read, in bytes: 16 MiB take 0.2 s. */
const IDENTITY_MAX = 1 << 24;
/** Why a program that is still being compiled says little of itself. */
const NOT_COMPILED = 'it is still being compiled';
const TICKS = 100; // USER_HZ, the same on all machines

export interface WorkloadEntry {
  readonly pid: number;
  /** The workload's name, given when it was started or restored. */
  readonly name: string | undefined;
  /**
   * Why the image cannot be read. Then only the kernel's information is known, and `module` is the name of the file.
   */
  readonly unreadable: string | undefined;
  /**
   * The main module's name, else the file's. For our own files, whose names say nothing, it is the name that the
   * program was started by.
   */
  readonly module: string;
  readonly arch: string;
  readonly compiler: string;
  /** Whether it was compiled with site tables, so that it can be captured. */
  readonly capturable: boolean;
  /** Age in seconds. */
  readonly age: number;
  /** Resident memory in bytes. */
  readonly memory: number;
  /**
   * Its state; undefined when its memory may not be read, as with Yama before it has named us as its tracer.
   */
  readonly state: WorkloadState | undefined;
  /** The kernel's state letter, as in ps: R running, S sleeping, T stopped... */
  readonly systemState: string;
  /** The program's arguments, in an emulator too; the first is its name. */
  readonly args: readonly string[];
}

/** Entries by ascending pid. @param proc the mount point of procfs, for tests */
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

interface FoundImage {
  readonly image: ImageDescription;
  readonly fd: number;
  readonly path: string;
  /** The load address, when it is known already. */
  readonly base?: number;
  readonly isEmulated?: boolean;
}

/** Undefined for a process that is not ours, has just ended, or belongs to another user. */
function readWorkload(proc: string, pid: number, uptime: number): WorkloadEntry | undefined {
  let folder: ProcessFolder;
  try {
    folder = ProcessFolder.open(pid, proc);
  } catch {
    return undefined;
  }
  let found: FoundImage | string | undefined;
  try {
    found = findImage(folder);
    return found === undefined ? undefined : describe(folder, found, uptime);
  } catch {
    return undefined; // it has ended
  } finally {
    if (typeof found === 'object') closeSync(found.fd);
    folder.close();
  }
}

/** @param found its image, or why the image cannot be read */
function describe(folder: ProcessFolder, found: FoundImage | string, uptime: number): WorkloadEntry {
  const image = typeof found === 'string' ? undefined : found.image;
  const path = typeof found === 'string' ? folder.link('exe') : found.path;
  const stat = folder.text('stat');
  const args = argumentsOf(folder, typeof found !== 'string' && found.isEmulated === true);
  return {
    pid: folder.pid,
    name: nameOfWorkload(folder, image),
    unreadable: typeof found === 'string' ? found : undefined,
    module: image?.outline.modules.at(-1)?.name || fileName(path.replace(/ \(deleted\)$/, ''), args),
    arch: image?.arch ?? '',
    compiler: image?.outline.compiler ?? '',
    capturable: image?.hasSites ?? false,
    age: Math.max(Math.round((uptime - startOf(stat) / TICKS) * 100) / 100, 0),
    memory: residentBytes(folder.text('status')),
    state: typeof found !== 'string' && found.image.hasSites ? runtimeState(folder, found) : undefined,
    systemState: stat[stat.lastIndexOf(')') + 2],
    args,
  };
}

/**
 * Files of the cache are named by their contents, and temporary files all alike: those names say nothing to people.
 */
function fileName(path: string, [started]: readonly string[]): string {
  const isOwn = isCacheEntry(basename(path)) || isTemporaryFolder(dirname(path));
  return basename(isOwn && started !== undefined ? started : path);
}

/**
 * Opens the image that a process runs; the caller closes the descriptor. Undefined when it runs none, or may not be
 * inspected.
 *
 * @returns why the image cannot be read, in words, when it is one of ours
 * @throws the system's error
 */
function findImage(folder: ProcessFolder): FoundImage | string | undefined {
  const path = folder.link('exe');
  try {
    if (isEmulator(path)) {
      const found = findMapped(folder);
      if (found !== undefined) return typeof found === 'string' ? found : { ...found, isEmulated: true };
    }
  } catch (error) {
    return error instanceof WagSnapError ? error.message : undefined;
  }
  const fd = openSync(folder.path('exe'), 'r');
  try {
    return { image: open(fd), fd, path };
  } catch (error) {
    const why = error instanceof WagSnapError && isOurs(fd) ? error.message : undefined;
    const starts = isStarter(fd);
    closeSync(fd);
    return starts ? findMapped(folder) : why;
  }
}

function open(fd: number): ImageDescription {
  return openImage(fd, IDENTITY_MAX);
}

/** The image of an emulated program, or of one that was started before it was compiled. */
function findMapped(folder: ProcessFolder): FoundImage | string | undefined {
  const maps = parseMaps(folder.text('maps', MAPS_MAX, 'utf8'));
  return findMappedImage(folder, maps, open) ?? (hasStarter(folder, maps) ? NOT_COMPILED : undefined);
}

/** Whether an unreadable executable seems to be one of our images. */
function isOurs(fd: number): boolean {
  try {
    return readElf(new FileSource(fd)).sections.some(({ name }) => name === SECTION.identity);
  } catch {
    return false;
  }
}

function residentBytes(status: string): number {
  return Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Undefined when it cannot be seen, or is not mapped yet. */
function runtimeState(folder: ProcessFolder, { image, fd, path, base }: FoundImage): WorkloadState | undefined {
  let memory: ProcessMemory | undefined;
  try {
    const { imageOffset } = image.outline.data;
    const runtime = (base ?? loadAddress(folder, path, fstatSync(fd).ino, imageOffset)) + imageOffset;
    memory = ProcessMemory.open(folder);
    if (memory.u64(runtime + RT_MAGIC) !== BigInt(RUNTIME_MAGIC)) return undefined;
    return stateName(memory, runtime);
  } catch {
    return undefined;
  } finally {
    memory?.close();
  }
}
