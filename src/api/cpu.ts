/** The CPUs that the compiler has code for. Loads little, as the command line's help needs it. */

import { type ArchName, CPU_LEVELS } from '../arch/masm/cpu-levels.js';
import { cpuFlags } from './cpu-flags.js';

export type { ArchName };
export { CPU_LEVELS };

/** A level of the x64 or arm64 architecture; the lowest is the default. */
export type CpuLevel = (typeof CPU_LEVELS)[ArchName][number];

/** The default CPU of images: this machine's. */
export function ownArch(): ArchName {
  return process.arch === 'arm64' ? 'arm64' : 'x64';
}

/** This CPU's level, as far as the compiler distinguishes levels; undefined: the lowest. */
export function nativeLevel(): CpuLevel | undefined {
  return cpuFlags().has('avx2') ? 'x86-64-v3' : undefined;
}
