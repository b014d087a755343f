/**
 * A running process of one of our images, as the tool sees it: its image, its load address, its memory, and its
 * signals.
 *
 * Everything is reached through one descriptor of /proc/PID (process-folder.ts), so it belongs to one process even if
 * the pid is reused. Attaching changes nothing in the process. Errors are distinguished in this order: no such process,
 * not ours, not allowed. The kernel lets the same user read /proc/PID/exe and maps; /proc/PID/mem needs more
 * (ptrace(2), "ptrace access mode checking"). With Yama's ptrace_scope 1 it can be read only once the parked process
 * has named us as its tracer.
 */

import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cancellation } from '../base/cancellation.js';
import { InputError, ToolError, WagSnapError } from '../base/errors.js';
import {
  RT_IMAGE_BASE,
  RT_MAGIC,
  RT_VERSION,
  RUNTIME_MAGIC,
  RUNTIME_VERSION,
} from '../image/contract/runtime-block.js';
import { isEmulator } from '../image/emulator.js';
import { type ImageDescription, readImage } from '../image/reader.js';
import { isStarter } from '../image/starter.js';
import { Growth } from './growth.js';
import { findMappedImage, hasStarter } from './mapped-image.js';
import { MAPS_MAX, type Mapping, parseMaps } from './proc-maps.js';
import { argumentsOf } from './process-arguments.js';
import { ProcessFolder } from './process-folder.js';
import { ProcessMemory } from './process-memory.js';
import { Signaller } from './signaller.js';
import { nameOfWorkload } from './workload-name.js';

/**
 * How long after execve(2) the image may take to be mapped, in milliseconds: on a busy machine the process may have to
 * wait for the CPU.
 */
const MAPPED_WITHIN = 10_000;

/** How long an emulator may take to map its program, in milliseconds. */
const EMULATOR_START = 10_000;
/** Time between two looks, in milliseconds. */
const MAPPED_STEP = 1;
const EMULATOR_STEP = 5;

export class ImageProcess {
  /** Absolute address of the runtime block (RT_*). */
  readonly runtime: number;
  private opened: ProcessMemory | undefined;
  private signaller: Signaller | undefined;

  private constructor(
    readonly folder: ProcessFolder,
    readonly image: ImageDescription,
    /** Load address: the address of image offset 0. */
    readonly base: number,
    private readonly exeFd: number,
    private readonly isEmulated: boolean,
  ) {
    this.runtime = base + image.outline.data.imageOffset;
  }

  /**
   * Waits for a process that has just been started and has not mapped its image yet.
   *
   * @param signal ends the wait
   * @throws InputError when the process is not ours, ToolError when it does not exist or may not be inspected
   */
  static async attach(pid: number, signal?: AbortSignal): Promise<ImageProcess> {
    if (!Number.isInteger(pid) || pid <= 0) throw new InputError('pid', `${pid} is not a pid`);
    let folder: ProcessFolder;
    try {
      folder = ProcessFolder.open(pid);
    } catch {
      throw noSuchProcess(pid);
    }
    try {
      return await ImageProcess.attachTo(folder, new Cancellation('nothing was attached', signal));
    } catch (error) {
      folder.close();
      throw error;
    }
  }

  private static async attachTo(folder: ProcessFolder, cancel: Cancellation): Promise<ImageProcess> {
    const { pid } = folder;
    const exe = exePath(folder);
    let fd: number;
    try {
      fd = openSync(folder.path('exe'), 'r');
    } catch (error) {
      throw unreadable(folder, 'its executable cannot be read', error);
    }
    let image: ImageDescription | undefined;
    try {
      image = readImage(fd);
      if (!image.hasSites) {
        throw new InputError('no-sites', `pid ${pid} (${exe}) was compiled without site tables: it cannot be captured`);
      }
      const base = await waitForImage(folder, exe, fstatSync(fd).ino, image.outline.data.imageOffset, cancel);
      return new ImageProcess(folder, image, base, fd, false);
    } catch (error) {
      image?.close();
      const starts = isStarter(fd);
      closeSync(fd);
      if (error instanceof WagSnapError && error.code === 'not-an-image')
        return await ImageProcess.attachMapped(folder, exe, starts, cancel);
      throw error;
    }
  }

  /**
   * Waits for an emulator that has just started and has not mapped its program yet, and for a program that is still
   * being compiled.
   */
  private static async attachMapped(
    folder: ProcessFolder,
    exe: string,
    starts: boolean,
    cancel: Cancellation,
  ): Promise<ImageProcess> {
    const deadline = performance.now() + (isEmulator(exe) ? EMULATOR_START : 0);
    let growth: Growth | undefined;
    for (;;) {
      const maps = readMaps(folder);
      const found = findMappedImage(folder, maps, readImage);
      if (found) return new ImageProcess(folder, found.image, found.base, found.fd, !starts);
      if (growth === undefined && (starts || hasStarter(folder, maps))) growth = new Growth(folder);
      if (growth !== undefined) await growth.ask();
      else if (performance.now() >= deadline) {
        throw new InputError('not-ours', `pid ${folder.pid} is not a wag-snap process: it runs ${exe}`);
      }
      await sleep(EMULATOR_STEP);
      cancel.check();
    }
  }

  /** Absolute address of its thread record (TH_*). */
  get thread(): number {
    return threadOf(this.runtime);
  }

  get pid(): number {
    return this.folder.pid;
  }

  /** The program's own arguments; the first is its name. @throws ToolError */
  get args(): string[] {
    try {
      return argumentsOf(this.folder, this.isEmulated);
    } catch (error) {
      throw unreadable(this.folder, 'its arguments cannot be read', error);
    }
  }

  /** The workload's name, given when it was started or restored. */
  get name(): string | undefined {
    return nameOfWorkload(this.folder, this.image);
  }

  /** @throws ToolError that says how to get the permission */
  get memory(): ProcessMemory {
    const memory = this.tryMemory();
    if (!memory) throw notAllowed(this.pid, 'its memory cannot be read', undefined);
    return memory;
  }

  /** Its memory; undefined while the kernel refuses access. */
  tryMemory(): ProcessMemory | undefined {
    if (this.opened) return this.opened;
    let memory: ProcessMemory;
    try {
      memory = ProcessMemory.open(this.folder);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') return undefined;
      throw unreadable(this.folder, 'its memory cannot be read', error);
    }
    this.opened = memory;
    this.checkRuntime(memory);
    return memory;
  }

  maps(): Mapping[] {
    return readMaps(this.folder);
  }

  /** The status of this process; undefined when it is gone, even if its pid was reused. */
  status(): ProcessStatus | undefined {
    return statusOf(this.folder);
  }

  /**
   * Prepares for sending signals. Afterwards each takes 0.1 ms.
   *
   * @param warn called when signals cannot go through a descriptor of the process
   */
  async prepareSignals(warn: (text: string) => void): Promise<void> {
    this.signaller ??= new Signaller(this.folder, warn);
    await this.signaller.prepare();
  }

  /** @throws ToolError 'process-ended', 'permission' */
  async signal(signal: NodeJS.Signals): Promise<void> {
    this.signaller ??= new Signaller(this.folder, () => {});
    await this.signaller.send(signal);
  }

  close(): void {
    this.signaller?.close();
    this.opened?.close();
    this.image.close();
    closeSync(this.exeFd);
    this.folder.close();
  }

  private checkRuntime(memory: ProcessMemory): void {
    const magic = memory.u64(this.runtime + RT_MAGIC);
    if (magic !== BigInt(RUNTIME_MAGIC)) {
      throw new InputError('not-ours', `pid ${this.pid} runs a wag-snap image, but its runtime block is damaged`);
    }
    const base = memory.address(this.runtime + RT_IMAGE_BASE);
    if (base !== 0 && base !== this.base) {
      throw new ToolError(
        'guest-base',
        `pid ${this.pid}: its emulator moves the program's addresses: start it without -B and -R`,
      );
    }
    const version = memory.u32(this.runtime + RT_VERSION);
    if (version !== RUNTIME_VERSION) {
      throw new InputError(
        'runtime-version',
        `pid ${this.pid}: its runtime has version ${version}, this wag-snap knows version ${RUNTIME_VERSION}`,
      );
    }
  }
}

/** Address of the record of a process's only thread, which is at the start of the runtime block. */
export function threadOf(runtime: number): number {
  return runtime;
}

export interface ProcessStatus {
  readonly state: string;
  readonly caughtSignals: bigint;
  /** The debugger's pid, or 0. */
  readonly tracer: number;
  readonly parent: number;
  /** Undefined when the kernel does not tell (before 6.8). */
  readonly kernelThread: boolean | undefined;
}

/** The parent of all other kernel threads. */
const KTHREADD = 2;

/** Fields of /proc/PID/status of the process that has this pid now; undefined when there is none. */
export function processStatus(pid: number): ProcessStatus | undefined {
  try {
    return parseStatus(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return undefined;
  }
}

function statusOf(folder: ProcessFolder): ProcessStatus | undefined {
  try {
    return parseStatus(folder.text('status'));
  } catch {
    return undefined;
  }
}

function parseStatus(text: string): ProcessStatus {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(text)?.[1];
  return {
    state: field('State') ?? '?',
    caughtSignals: BigInt(`0x${field('SigCgt') ?? '0'}`),
    tracer: Number(field('TracerPid') ?? 0),
    parent: Number(field('PPid') ?? 0),
    kernelThread: field('Kthread') === undefined ? undefined : field('Kthread') === '1',
  };
}

function exePath(folder: ProcessFolder): string {
  const { pid } = folder;
  try {
    return folder.link('exe');
  } catch (error) {
    const status = statusOf(folder);
    if (!status) throw noSuchProcess(pid);
    if (status.state === 'Z')
      throw new ToolError('process-ended', `pid ${pid} has ended (its parent has not noticed yet)`);
    const { code } = error as NodeJS.ErrnoException;
    const likeOne = code === 'ENOENT' && (pid === KTHREADD || status.parent === KTHREADD);
    if (status.kernelThread ?? likeOne)
      throw new InputError('kernel-thread', `pid ${pid} is not a wag-snap process: it is a kernel thread`);
    throw unreadable(folder, 'its executable cannot be read', error);
  }
}

function readMaps(folder: ProcessFolder): Mapping[] {
  try {
    return parseMaps(folder.text('maps', MAPS_MAX, 'utf8'));
  } catch (error) {
    if (error instanceof WagSnapError) throw error;
    throw unreadable(folder, 'its address space cannot be read', error);
  }
}

/**
 * The lowest mapping of the executable's first bytes. Undefined right after execve(2), when it is not mapped yet or
 * DATA does not follow it.
 *
 * @param data image offset of the runtime block
 * @throws ToolError
 */
function findImage(folder: ProcessFolder, exe: string, inode: number, data: number): number | undefined {
  const maps = readMaps(folder);
  const head = maps.find(({ offset, path, inode: own }) => offset === 0 && (path === exe || own === inode));
  const block = head && maps.find(({ start, end }) => start <= head.start + data && head.start + data < end);
  return block && head?.start;
}

/** The load address, without waiting. @throws InputError 'not-ours', ToolError */
export function loadAddress(folder: ProcessFolder, exe: string, inode: number, data: number): number {
  const found = findImage(folder, exe, inode, data);
  if (found !== undefined) return found;
  throw notMapped(folder, exe);
}

/** The load address, once the image is mapped. @throws InputError 'not-ours', ToolError */
async function waitForImage(
  folder: ProcessFolder,
  exe: string,
  inode: number,
  data: number,
  cancel: Cancellation,
): Promise<number> {
  const deadline = performance.now() + MAPPED_WITHIN;
  for (;;) {
    const found = findImage(folder, exe, inode, data);
    if (found !== undefined) return found;
    if (statusOf(folder)?.state === 'Z' || performance.now() >= deadline) throw notMapped(folder, exe);
    await sleep(MAPPED_STEP);
    cancel.check();
  }
}

function notMapped(folder: ProcessFolder, exe: string): WagSnapError {
  const { pid } = folder;
  if (statusOf(folder)?.state === 'Z') return new ToolError('process-ended', `pid ${pid} has ended`);
  return new InputError('not-ours', `pid ${pid}: its image is not mapped from its executable ${exe}`);
}

/** Probes a pid that /proc does not show with signal 0, as the process may still exist. */
export function noSuchProcess(pid: number): WagSnapError {
  if (!existsSync('/proc/self/stat')) {
    return new ToolError('no-proc', `pid ${pid}: /proc is not there: mount it (mount -t proc proc /proc)`);
  }
  try {
    globalThis.process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') {
      return new InputError('no-process', `there is no process with pid ${pid}`);
    }
  }
  return new ToolError(
    'permission',
    `pid ${pid} is hidden (/proc is mounted with hidepid): capture as the user who runs it, or as root`,
  );
}

/** The error for a file below /proc/PID that cannot be read although the process existed a moment ago. */
function unreadable(folder: ProcessFolder, what: string, error: unknown): WagSnapError {
  const { pid } = folder;
  if (!statusOf(folder)) return noSuchProcess(pid);
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ESRCH') return notAllowed(pid, what, error);
  return new ToolError('process-ended', `pid ${pid} is ending: its memory is gone already`);
}

function notAllowed(pid: number, what: string, error: unknown): ToolError {
  const scope = readYama();
  const hint =
    scope !== undefined && scope >= 2
      ? `kernel.yama.ptrace_scope is ${scope}: only root may capture (or set it to 1 or 0)`
      : 'capture as the user who runs it, or as root (CAP_SYS_PTRACE)';
  const reason = error ? ` (${(error as Error).message})` : '';
  return new ToolError('permission', `pid ${pid}: ${what}${reason}: ${hint}`);
}

function readYama(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'latin1'));
  } catch {
    return undefined;
  }
}
