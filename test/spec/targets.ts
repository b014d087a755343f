/** The CPUs that the suite runs on: how to compile for them and how to start what comes out. */

import { arm64 } from '../../src/arch/arm64/target.js';
import type { Target } from '../../src/arch/target.js';
import { x64 } from '../../src/arch/x64/target.js';

export interface SpecTarget {
  readonly target: Target;
  /** What comes before the image on its command line. */
  readonly launcher: readonly string[];
}

const TARGETS: Readonly<Record<string, SpecTarget>> = {
  x64: { target: x64, launcher: process.arch === 'x64' ? [] : ['qemu-x86_64-static'] },
  arm64: { target: arm64, launcher: process.arch === 'arm64' ? [] : ['qemu-aarch64-static'] },
};

export const ARCHES = Object.keys(TARGETS);

/** undefined when there is no such CPU. */
export function specTarget(arch: string): SpecTarget | undefined {
  return TARGETS[arch];
}
