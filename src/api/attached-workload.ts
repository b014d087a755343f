/** A program that was already running when the library attached to it. */

import { WagSnapError } from '../base/errors.js';
import type { ImageProcess } from '../capture/process.js';
import { type CaptureOptions, type CaptureReport, captureAttached } from './capture.js';
import { type CoredumpOptions, coredumpAttached } from './coredump.js';
import type { AttachedWorkload } from './workload.js';

export class AttachedProcess implements AttachedWorkload {
  private isOpen = true;

  constructor(private readonly process: ImageProcess) {}

  get pid(): number {
    return this.process.pid;
  }

  get name(): string | undefined {
    return this.process.name;
  }

  get args(): readonly string[] {
    return this.process.args;
  }

  capture(options: CaptureOptions): Promise<CaptureReport> {
    return captureAttached(this.process, options);
  }

  coredump(options: CoredumpOptions): Promise<void> {
    return coredumpAttached(this.process, options);
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    try {
      await this.process.signal(signal);
    } catch (error) {
      if (!(error instanceof WagSnapError) || error.code !== 'process-ended') throw error;
    }
  }

  close(): void {
    if (this.isOpen) this.process.close();
    this.isOpen = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
