/**
 * A guest with a page of memory, two directories and a fake Linux below: its calls, and the system calls that they
 * make.
 */

import { expect } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from '../process/fake-image.js';
import type { FakeProcess } from '../process/fake-process.js';

export const SIZE = 65536;
/** WASI's errno by name. */
export const E = {
  BADF: 8,
  FAULT: 21,
  INVAL: 28,
  NAMETOOLONG: 37,
  NOENT: 44,
  NOTDIR: 54,
  NOTSUP: 58,
  LOOP: 32,
  PERM: 63,
  ROFS: 69,
  SPIPE: 70,
  NOTCAPABLE: 76,
} as const;
/** Guest descriptors: a directory, and one below which nothing may change. */
export const DIR = 3;
export const READ_ONLY = 4;
export const [READ, WRITE] = [1n << 1n, 1n << 6n];
export const [CREAT, DIRECTORY, EXCL, TRUNC] = [1, 2, 4, 8];
/** Native descriptors of the two, and of the next file that is opened. */
export const NATIVE = { dir: 13, readOnly: 14, file: 20 };
const [F_GETFL, O_RDONLY, O_RDWR] = [3, 0, 2];
const ENOTTY = -25;
/** Places in the guest's memory. */
export const [OUT, PATH, PATH_2] = [512, 1024, 8192];

export class GuestCalls {
  readonly process: FakeProcess;
  readonly memory: number;
  /** struct open_how of each openat2, and its path. */
  readonly opened: { directory: number; path: string; flags: number; mode: number }[] = [];
  nextFile = NATIVE.file;
  /** S_IF* of native descriptors; a regular file when not given. */
  readonly modes = new Map<number, number>();

  /**
   * @param environment by which the image is told what to open
   * @param isTerminal what the standard streams are
   */
  constructor(environment: readonly string[] = ['WAGSNAP_DIR=/host::/d\n/other::/o:ro'], isTerminal = false) {
    const image = bootedImage({ pages: 1, entry: true });
    this.process = image.process;
    const { overrides } = this.process;
    let directories = NATIVE.dir;
    // descriptor 0 is for reading alone
    overrides['fcntl'] = ([fd, command]) => (command === F_GETFL ? (fd === 0 ? O_RDONLY : O_RDWR) : -24);
    overrides['ioctl'] = () => (isTerminal ? 0 : ENOTTY);
    overrides['openat'] = ([, path]) => {
      const name = this.text(path);
      return name === '/dev/null' ? 9 : /^\/(host|other)$/.test(name) ? directories++ : 3;
    };
    overrides['openat2'] = ([directory, path, how, size]) => {
      if (size === 0) return -22;
      const [flags, mode] = [this.process.get64(how), this.process.get64(how + 8)];
      this.opened.push({ directory, path: this.text(path), flags, mode });
      return this.nextFile++;
    };
    overrides['statx'] = ([fd, , , , to]) => {
      const mode = this.modes.get(fd) ?? 0x8000;
      this.process.set8(to + 28, mode & 255);
      this.process.set8(to + 29, mode >> 8);
      return 0;
    };
    startProcess(this.process, environment);
    this.process.set64(
      this.process.runtime + L.TH_GUEST_INSTANCE,
      this.process.get64(image.entryRecord + L.FN_INSTANCE),
    );
    this.memory = this.process.get64(image.memory + L.MEM_BASE);
    this.process.calls.length = 0;
  }

  /** Calls a function of preview 1. */
  call(name: string, ...args: (number | bigint)[]): number {
    return this.process.call(name, ...args) as number;
  }

  /** The system calls since the last time, but those that only ask. */
  asked(...ignored: string[]): string[] {
    const names = this.process.calls.map(({ name }) => name).filter((name) => !ignored.includes(name));
    this.process.calls.length = 0;
    return names;
  }

  /** Arguments of the system calls of that name, the first few. */
  argsOf(name: string, count: number): number[][] {
    return this.process.calls.filter((call) => call.name === name).map(({ args }) => args.slice(0, count));
  }

  set32(pointer: number, value: number): void {
    this.process.set32(this.memory + pointer, value);
  }

  get32(pointer: number): number {
    return this.process.get32(this.memory + pointer);
  }

  /** Places a path and returns its pointer and length. */
  path(text: string | Uint8Array, at: number = PATH): [number, number] {
    const bytes = Buffer.from(text as string);
    this.process.setBytes(this.memory + at, bytes);
    return [at, bytes.length];
  }

  iovecs(at: number, ...entries: (readonly [buffer: number, length: number])[]): void {
    for (const [i, [buffer, length]] of entries.entries()) {
      this.set32(at + i * 8, buffer);
      this.set32(at + i * 8 + 4, length);
    }
  }

  /** path_open below `directory`; the new descriptor is left at OUT. */
  open(path: string, rights: bigint = READ, oflags = 0, directory: number = DIR): number {
    return this.call('path_open', directory, 1, ...this.path(path), oflags, rights, 0n, 0, OUT);
  }

  /** The descriptor of a file that is there. */
  opens(path: string, rights: bigint = READ, directory: number = DIR): number {
    expect(this.open(path, rights, 0, directory)).toBe(0);
    return this.get32(OUT);
  }

  /** A u32 of the table's entry. */
  entry(fd: number, field: number): number {
    return this.process.get32(this.process.rt64(L.RT_HOST_STATE) + L.HS_FDS + fd * L.FD_SIZE + field);
  }

  /** The path that a snapshot would open it by. */
  recordedPath(fd: number): string {
    const at = this.process.rt64(L.RT_HOST_STATE) + L.HS_PATHS + fd * L.HS_PATH_SIZE;
    return Buffer.from(this.process.bytes(at, this.entry(fd, L.FD_PATH_LENGTH))).toString();
  }

  private text(at: number): string {
    const bytes: number[] = [];
    for (let i = at; this.process.get8(i) !== 0; i++) bytes.push(this.process.get8(i));
    return Buffer.from(bytes).toString();
  }
}
