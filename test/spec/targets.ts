/** The CPUs that the suite runs on: how to compile for them and how to start the images. */

import { cpuFlags } from '../../src/api/cpu-flags.js';
import { findEmulator } from '../../src/api/launch.js';
import type { Target } from '../../src/arch/masm/target.js';
import { levels, targets } from '../../src/arch/targets.js';

export interface SpecTarget {
  readonly target: Target;
  /** What comes before the image on its command line. */
  readonly launcher: readonly string[];
}

export const ARCHES = Object.keys(targets);

/** x86-64 code with AVX, where this machine has it. */
export const AVX = 'x64-avx';

/** undefined when there is no such CPU, or nothing here that runs its code. */
export function specTarget(arch: string): SpecTarget | undefined {
  if (arch === AVX) return cpuFlags().has('avx') ? { target: levels.x64['x86-64-v3']!, launcher: [] } : undefined;
  const name = (['x64', 'arm64'] as const).find((known) => known === arch);
  if (name === undefined) return undefined;
  if (name === process.arch) return { target: targets[name], launcher: [] };
  const emulator = findEmulator(name);
  return emulator === undefined ? undefined : { target: targets[name], launcher: [emulator] };
}
