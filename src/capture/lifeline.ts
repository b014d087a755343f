/**
 * The capturer's end of a process's lifeline (runtime/process/lifeline.ts): who holds it is known to be alive by a
 * process of another pid namespace, which cannot see the capturer's pid.
 *
 * Which descriptor it is says the process, so it is looked at before it is opened for anything. It is an anonymous
 * pipe: a device may do something when it is opened, and the byte taken from a FIFO with a name could be anybody's.
 * Nothing is ever written to it.
 */

import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { InputError, ToolError } from '../base/errors.js';
import { O_PATH, pathOfDescriptor } from '../base/path-descriptor.js';
import type { ProcessFolder } from './process-folder.js';

const { O_RDWR, O_NONBLOCK } = constants;

export class Lifeline {
  private constructor(private readonly fd: number) {}

  /**
   * @param descriptor of the process, RT_LIFELINE
   * @returns undefined when another capturer has it, or the process has just put it away
   * @throws InputError when it is anything else than an anonymous pipe, ToolError
   */
  static take(folder: ProcessFolder, descriptor: number): Lifeline | undefined {
    let place = -1;
    let fd = -1;
    try {
      place = openSync(folder.path(`fd/${descriptor}`), O_PATH);
      if (!isAnonymousPipe(place)) throw new InputError('damaged-process', `pid ${folder.pid}: it has no lifeline`);
      fd = openSync(pathOfDescriptor(place), O_RDWR | O_NONBLOCK);
      if (readSync(fd, Buffer.alloc(1)) === 1) {
        const lifeline = new Lifeline(fd);
        fd = -1;
        return lifeline;
      }
      return undefined;
    } catch (error) {
      const { code, syscall, message } = error as NodeJS.ErrnoException;
      if (syscall === undefined) throw error;
      if (code === 'ENOENT' || code === 'EAGAIN') return undefined;
      throw new ToolError('lifeline', `pid ${folder.pid}: its lifeline cannot be opened: ${message}`);
    } finally {
      if (place >= 0) closeSync(place);
      if (fd >= 0) closeSync(fd);
    }
  }

  /** Whether the process still has this one: that number may be of another by now. */
  isOf(folder: ProcessFolder, descriptor: number): boolean {
    const now = statSync(folder.path(`fd/${descriptor}`), { throwIfNoEntry: false });
    return now?.ino === fstatSync(this.fd).ino;
  }

  /** The process takes it for our death: only after it was told what to do. */
  close(): void {
    closeSync(this.fd);
  }
}

/** By its name: paths begin with a slash, or with "(unreachable)" (proc(5)). */
function isAnonymousPipe(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() && readlinkSync(pathOfDescriptor(fd)) === `pipe:[${stat.ino}]`;
}
