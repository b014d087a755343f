/** What the core instances of a component may take: each is a copy of its core module in the program. */

import { LimitError } from '../../base/errors.js';
import { limitError, limits } from '../limits.js';
import type { Component } from './definitions.js';

export class InstanceBudget {
  private instances = 0;
  private size = 0;

  constructor(private readonly component: Component) {}

  /** Counts an instance of a core module, by its place in the file. @throws LimitError */
  take({ start, end, offset }: { readonly start: number; readonly end: number; readonly offset: number }): void {
    const { bytes, file } = this.component;
    if (++this.instances > limits.coreInstances) throw limitError('coreInstances', this.instances, offset, file);
    this.size += end - start;
    const most = 4 * bytes.length + (1 << 20);
    if (this.size <= most) return;
    const detail = `its core instances have ${this.size} bytes, which exceeds ${most} (linkedBytes)`;
    throw new LimitError('linkedBytes', `${file}: ${detail}`);
  }
}
