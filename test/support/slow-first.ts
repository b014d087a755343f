/** The order of test files: see slow-files.ts. All others keep vitest's order. */

import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { secondsOf } from './slow-files.js';

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => secondsOf(b.moduleId) - secondsOf(a.moduleId));
  }
}
