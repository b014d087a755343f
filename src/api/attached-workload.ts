/** A program that was already running when the library attached to it. */

import { WagSnapError } from '../base/errors.js';
import type { ImageProcess } from '../capture/process.js';
import { type CaptureOptions, type CaptureReport, captureAttached } from './capture.js';
import { type CoredumpOptions, coredumpAttached } from './coredump.js';
import type { ProcessDescription } from './description.js';
import type { AttachedWorkload } from './workload.js';

export class AttachedProcess implements AttachedWorkload {
  readonly kind = 'process';
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

  async describe(): Promise<ProcessDescription> {
    const { describeProcess } = await import('./describe-process.js');
    return describeProcess(this.process);
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

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
