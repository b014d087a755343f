/** The CPUs that code can be compiled for. Needs nothing, as help prints them. */

import { type ArchName, CPU_LEVELS } from '../arch/masm/cpu-levels.js';
import { cpuFlags } from './cpu-flags.js';

export type { ArchName };
export { CPU_LEVELS };

/** A level of the x64 or arm64 architecture; the least is the default. */
export type CpuLevel = (typeof CPU_LEVELS)[ArchName][number];

/** What images are for when nothing else is said. */
export function ownArch(): ArchName {
  return process.arch === 'arm64' ? 'arm64' : 'x64';
}

/** The level of this machine's CPU, as far as it makes a difference; undefined: the least. */
export function nativeLevel(): CpuLevel | undefined {
  return cpuFlags().has('avx2') ? 'x86-64-v3' : undefined;
}
