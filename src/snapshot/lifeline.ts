/**
 * The capturer's end of a process's lifeline (runtime/process/lifeline.ts): who holds it is known to be alive by a process of
 * another pid namespace, which cannot see the capturer's pid.
 *
 * Which descriptor it is says the process: it is looked at before it is opened, and nothing is ever written to it.
 */

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { InputError, ToolError } from '../errors.js';

const { O_RDWR, O_NONBLOCK } = constants;

export class Lifeline {
  private constructor(private readonly fd: number) {}

  /**
   * @param descriptor of the process, RT_LIFELINE
   * @returns undefined when another capturer has it, or the process has just put it away
   */
  static take(pid: number, descriptor: number): Lifeline | undefined {
    const path = `/proc/${pid}/fd/${descriptor}`;
    let fd = -1;
    try {
      if (statSync(path).isFIFO()) fd = openSync(path, O_RDWR | O_NONBLOCK);
      if (fd < 0 || !fstatSync(fd).isFIFO()) throw new InputError('damaged-process', `pid ${pid}: it has no lifeline`);
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
      throw new ToolError('lifeline', `pid ${pid}: its lifeline cannot be opened: ${message}`);
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  }

  /** The process takes it for our death: only after it was told what to do. */
  close(): void {
    closeSync(this.fd);
  }
}
