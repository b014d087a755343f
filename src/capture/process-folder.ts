/**
 * /proc/PID of one process, held open. A pid may be reused, but the kernel ties an open directory to its process:
 * whatever is read below it belongs to that process, or cannot be read any more. Signals are sent through the same
 * descriptor (signaller.ts).
 *
 * Reads have limits, as the process decides how long a file below /proc/PID is.
 */

import { closeSync, constants, openSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { InputError } from '../base/errors.js';

const { O_DIRECTORY, O_NONBLOCK, O_RDONLY } = constants;
/** The limit for files without a better one: status, stat, fdinfo. In bytes. */
const TEXT_MAX = 1 << 16;
/** The first bytes of an fdinfo: position and flags. */
const FDINFO_HEAD = 256;
const FIRST_CHUNK = 1 << 14;

export class ProcessFolder {
  private constructor(
    readonly pid: number,
    readonly fd: number,
    private readonly numbered: string,
  ) {}

  /**
   * @param proc the mount point of procfs, for tests @throws the system's error: ENOENT when there is no such process
   */
  static open(pid: number, proc = '/proc'): ProcessFolder {
    const path = `${proc}/${pid}`;
    return new ProcessFolder(pid, openSync(path, O_RDONLY | O_DIRECTORY), path);
  }

  /** The path of a file below the folder. */
  path(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`;
  }

  /** @throws the system's error */
  link(name: string): string {
    return readlinkSync(this.path(name));
  }

  /**
   * The whole of a file.
   *
   * @param limit in bytes
   * @throws the system's error; InputError when the file is longer
   */
  text(name: string, limit: number = TEXT_MAX, encoding: BufferEncoding = 'latin1'): string {
    const bytes = this.head(name, limit + 1);
    if (bytes.length > limit) {
      throw new InputError(
        'damaged-process',
        `pid ${this.pid}: /proc/${this.pid}/${name} has more than ${limit} bytes`,
      );
    }
    return bytes.toString(encoding);
  }

  /** The first bytes of a file, at most `limit`. @throws the system's error */
  head(name: string, limit: number): Buffer {
    const fd = openSync(this.path(name), O_RDONLY | O_NONBLOCK);
    try {
      let bytes = Buffer.allocUnsafe(Math.min(limit, FIRST_CHUNK));
      let length = 0;
      while (length < limit) {
        if (length === bytes.length) bytes = Buffer.concat([bytes], Math.min(limit, length * 4));
        const got = readSync(fd, bytes, length, bytes.length - length, null);
        if (got === 0) break;
        length += got;
      }
      return bytes.subarray(0, length);
    } finally {
      closeSync(fd);
    }
  }

  /** Status and access flags of an open file, O_* (fdinfo, proc(5)). @throws the system's error */
  fileFlags(descriptor: number): number {
    const line = /^flags:\s*([0-7]+)$/m.exec(this.head(`fdinfo/${descriptor}`, FDINFO_HEAD).toString('latin1'));
    return Number.parseInt(line?.[1] ?? '0', 8);
  }

  /** About how many bytes of memory it has in use (statm, proc(5)); 0 when that is not known. */
  residentBytes(): number {
    try {
      return Number(this.text('statm').split(' ')[1]) * 4096 || 0;
    } catch {
      return 0;
    }
  }

  /**
   * Whether the process still exists, if only as a zombie, and its pid still leads to it. Compares start times.
   */
  hasItsPid(): boolean {
    try {
      return startOf(readFileSync(`${this.numbered}/stat`, 'latin1')) === startOf(this.text('stat'));
    } catch {
      return false;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** The time of a process's start in ticks after boot: field 22 of /proc/PID/stat (proc(5)). */
export function startOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}
