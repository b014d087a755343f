/**
 * A reporter for vitest: writes the skipped tests to build/test/skipped.txt, one on each line, with the reason that
 * they gave (`context.skip(reason)`). scripts/test.mjs prints the file.
 */

import { writeFileSync } from 'node:fs';
import { root } from './setup.mjs';

export default class SkippedTests {
  onTestRunEnd(modules) {
    const lines = new Set();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const { note } = test.result();
        lines.add(`  ${module.moduleId.replace(`${root}/`, '')}: ${test.fullName}${note ? ` (${note})` : ''}\n`);
      }
    }
    if (lines.size > 0) writeFileSync(`${root}/build/test/skipped.txt`, [...lines].join(''));
  }
}
