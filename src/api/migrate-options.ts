/** How a workload is moved, and what cannot be together. */

import { CPU_LEVELS } from '../arch/masm/cpu-levels.js';
import { UsageError } from '../base/errors.js';
import type { MoveEvent } from '../transport/move-event.js';
import type { ContinuationOptions } from './continuation-options.js';
import { checkPolicyForm } from './fd-policy.js';
import { checkDirectory, checkName, limitVariables } from './process-options.js';

export interface MigrateOptions extends ContinuationOptions {
  /** Limit of its memories there, in bytes. */
  readonly maxMemory?: number | undefined;
  /** The folder there for the program's output. */
  readonly outputDir?: string | undefined;
  /** How long it may stand still, as far as that can be known before, in milliseconds; default: 100. */
  readonly downtime?: number | undefined;
  /** Milliseconds for which it is sent again and again until that fits into `downtime`; if not given, as long as that comes nearer. */
  readonly maxTime?: number | undefined;
  /**
   * What happens after `maxTime`: it is stopped all the same (the default), what is left is sent while it runs there
   * (`lazy`), or it continues here.
   */
  readonly onTimeout?: 'stop' | 'lazy' | 'cancel' | undefined;
  /** It continues there before its memory is there, which is sent afterwards: until then this side has to stay. */
  readonly lazy?: boolean | undefined;
  /** Bytes a second that may be sent. */
  readonly limitRate?: number | undefined;
  /** What is sent is compressed: by zstd where both sides have it, else by brotli. */
  readonly compress?: boolean | undefined;
  /** The contents of its open files are compared, too: it stands still for as long as reading them takes. */
  readonly hashFiles?: boolean | undefined;
  /** The longest silence of the other side while it is waited for, in milliseconds; default: 30,000. */
  readonly patience?: number | undefined;
  /** Its streams become this side's: `streams` of the result, until it ends there or is detached. */
  readonly attach?: boolean | undefined;
  /** Looks only: the program stops for a moment, to be looked at, and nothing is sent or started. */
  readonly dryRun?: boolean | undefined;
  /** The program also continues here, so there are two of them afterwards. */
  readonly copy?: boolean | undefined;
  /** Called with what happens on the way. */
  readonly onEvent?: ((event: MoveEvent) => void) | undefined;
  /** Gives the move up, until it is committed: the program continues here. */
  readonly signal?: AbortSignal | undefined;
}

const OUTCOMES: readonly unknown[] = ['stop', 'lazy', 'cancel'];

/** @throws UsageError for values that mean nothing, and for what cannot be together */
export function checkOptions(options: MigrateOptions): void {
  const { limitRate, downtime, maxTime, patience, onTimeout } = options;
  for (const [name, value] of Object.entries({ limitRate, downtime, maxTime, patience })) {
    const isFine = value === undefined || (typeof value === 'number' && value > 0 && value < Infinity);
    if (!isFine) throw new UsageError(`${name} ${value}: must be a number above 0`);
  }
  if (onTimeout !== undefined && !OUTCOMES.includes(onTimeout)) {
    throw new UsageError(`onTimeout ${onTimeout}: must be ${OUTCOMES.join(', ')}`);
  }
  if (onTimeout !== undefined && maxTime === undefined) {
    throw new UsageError(`--on-timeout ${onTimeout} needs --max-time: after what time?`);
  }
  checkLazy(options);
  checkContinuation(options);
}

/** What the other side would take for a stream that it does not understand. */
function checkContinuation({ arch, name, dirs = [], fds = {}, maxMemory }: MigrateOptions): void {
  if (arch !== undefined && !Object.hasOwn(CPU_LEVELS, arch))
    throw new UsageError(`arch ${arch}: there is no such CPU`);
  if (name !== undefined) checkName(name);
  for (const dir of dirs) checkDirectory(dir);
  for (const [fd, policy] of Object.entries(fds)) checkPolicyForm(Number(fd), policy);
  limitVariables({ maxMemory });
}

function checkLazy({ lazy = false, onTimeout, maxTime, copy, attach }: MigrateOptions): void {
  if (!lazy && onTimeout !== 'lazy') return;
  const what = lazy ? '--lazy' : '--on-timeout lazy';
  if (copy)
    throw new UsageError(`${what} with --keep: a program that goes on here does not keep its pages as they are`);
  if (attach)
    throw new UsageError(
      `${what} with --attach: its output cannot come back while its memory is sent; leave out one of them`,
    );
  if (lazy && maxTime !== undefined) throw new UsageError('--lazy with --max-time: nothing is sent beforehand');
}
