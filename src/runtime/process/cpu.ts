/**
 * Checks that this CPU can run the image: its code may need more than the baseline of the architecture (`--cpu`,
 * RT_CPU_NEEDS).
 *
 * AssemblyScript. The host layer itself is run on any CPU: it has no vectors.
 */

import { CPU_AVX, RT_CPU_NEEDS } from '../../image/contract/runtime-block';
import { cpu_features } from '../native/native';
import { flush, put } from './message';
import { exit, half } from './runtime-block';

const EXIT_CPU: i32 = 5;

/**
 * Ends the process when a feature is missing. An image that needs none does not ask for the features: in a virtual
 * machine, CPUID takes long.
 */
export function checkCpu(): void {
  const needs = half(RT_CPU_NEEDS);
  if (needs === 0) return;
  const missing = needs & ~(<i32>cpu_features());
  if (missing === 0) return;
  put('wag-snap: the program was compiled for a CPU with');
  if ((missing & CPU_AVX) !== 0) put(' AVX');
  put(', which this one does not have or the operating system does not allow: compile it with --cpu x86-64-v2\n');
  flush();
  exit(EXIT_CPU);
}
