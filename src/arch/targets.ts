/** All CPUs, by name. */

import { BugError } from '../base/errors.js';
import { arm64 } from './arm64/target.js';
import type { CpuLevel } from './masm/cpu-levels.js';
import type { ArchName, Target } from './masm/target.js';
import { x64, x64Avx } from './x64/target.js';

export const targets: Readonly<Record<ArchName, Target>> = { x64, arm64 };

/** The target for each level of a CPU. */
export const levels: { readonly [A in ArchName]: Readonly<Record<CpuLevel<A>, Target>> } = {
  x64: { 'x86-64-v2': x64, 'x86-64-v3': x64Avx, 'x86-64-v4': x64Avx },
  arm64: { 'armv8-a': arm64 },
};

/** The target that two of its properties tell apart from all others. */
export function targetOf(name: ArchName, cpuNeeds: number): Target {
  const found = Object.values(levels[name]).find((target) => target.cpuNeeds === cpuNeeds);
  if (found === undefined) throw new BugError(`no target ${name} that needs ${cpuNeeds}`);
  return found;
}
