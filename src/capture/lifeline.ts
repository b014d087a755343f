/**
 * The capturer's end of a process's lifeline (runtime/process/lifeline.ts). A process in another pid namespace cannot
 * see the capturer's pid. It learns from this pipe whether the capturer still lives.
 *
 * The process says which descriptor it is, so the file is checked before it is opened. It must be an anonymous pipe:
 * opening a device could have effects, and a byte taken from a named FIFO could belong to anybody. Nothing is ever
 * written to it.
 */

import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync, statSync } from 'node:fs';
import { InputError, ToolError } from '../base/errors.js';
import { O_PATH, pathOfDescriptor } from '../base/path-descriptor.js';
import type { ProcessFolder } from './process-folder.js';

const { O_RDWR, O_NONBLOCK } = constants;

export class Lifeline {
  private constructor(private readonly fd: number) {}

  /**
   * @param descriptor the process's descriptor, RT_LIFELINE
   * @returns undefined when another capturer has it, or the process has just closed it
   * @throws InputError when it is anything but an anonymous pipe, ToolError
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

  /** Whether the process still has this pipe: the number may mean another descriptor by now. */
  isOf(folder: ProcessFolder, descriptor: number): boolean {
    const now = statSync(folder.path(`fd/${descriptor}`), { throwIfNoEntry: false });
    return now?.ino === fstatSync(this.fd).ino;
  }

  /** Closes the pipe, which the process takes for our death. Only after it was told what to do. */
  close(): void {
    closeSync(this.fd);
  }
}

/** Recognizes it by its name: paths begin with a slash, or with "(unreachable)" (proc(5)). */
function isAnonymousPipe(fd: number): boolean {
  const stat = fstatSync(fd);
  return stat.isFIFO() && readlinkSync(pathOfDescriptor(fd)) === `pipe:[${stat.ino}]`;
}
