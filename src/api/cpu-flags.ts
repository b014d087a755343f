/**
 * The features of this machine's CPU, as /proc/cpuinfo names them: `avx2`, `sse4_1`. Empty on ARM64, whose cpuinfo has
 * no such line.
 */

import { readFileSync } from 'node:fs';

export function cpuFlags(): ReadonlySet<string> {
  let text: string;
  try {
    text = readFileSync('/proc/cpuinfo', 'latin1');
  } catch {
    return new Set();
  }
  return new Set(/^flags\s*: (.*)$/m.exec(text)?.[1].split(' '));
}
