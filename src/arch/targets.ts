/** All CPUs, by name. */

import { arm64 } from './arm64/target.js';
import type { ArchName, Target } from './target.js';
import { x64, x64Avx } from './x64/target.js';

export const targets: Readonly<Record<ArchName, Target>> = { x64, arm64 };

/** The target for a level of a CPU, as `compile --cpu` names it; undefined where there is no such level. */
export const levels: Readonly<Record<ArchName, Readonly<Record<string, Target>>>> = {
  x64: { 'x86-64-v2': x64, 'x86-64-v3': x64Avx, 'x86-64-v4': x64Avx },
  arm64: { 'armv8-a': arm64 },
};
