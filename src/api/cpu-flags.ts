/**
 * What this machine's CPU can do, in the words of /proc/cpuinfo: `avx2`, `sse4_1`. Empty on ARM64, which has no such
 * line.
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
