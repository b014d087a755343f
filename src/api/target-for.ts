/** The CPU that options name. */

import type { Target } from '../arch/masm/target.js';
import { levels, targets } from '../arch/targets.js';
import { UsageError } from '../base/errors.js';
import type { CompileOptions } from './compile-options.js';
import { nativeLevel, ownArch } from './cpu.js';

/** The target of a CPU and its level. @throws UsageError */
export function targetFor({ arch = ownArch(), cpu }: Pick<CompileOptions, 'arch' | 'cpu'>): Target {
  const level = cpu === 'native' && arch === ownArch() ? nativeLevel() : cpu;
  const target = level === undefined ? targets[arch] : (levels[arch] as Record<string, Target> | undefined)?.[level];
  if (target !== undefined) return target;
  throw new UsageError(`${[arch, ...(cpu === undefined ? [] : [cpu])].join(' ')}: there is no such CPU`);
}
