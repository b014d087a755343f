/**
 * Binds the process to the one that has started it (WAGSNAP_WITH_PARENT=1): the kernel kills it when that one ends, in
 * whatever way. Whoever asks for it also holds the process (held.ts): a parent that has ended before this was asked of
 * the kernel never lets it begin.
 *
 * AssemblyScript. Before the sandbox, whose filter does not let a process ask for it.
 */

import { syscall } from '../native/native';
import { SYS_prctl } from '../native/target';
import { environmentNumber } from './environment';
import { flush, put } from './message';
import { exit, failed } from './runtime-block';

const PR_SET_PDEATHSIG: i64 = 1;
const SIGKILL: i64 = 9;
const EXIT_UNBOUND: i32 = 1;

export function endWithParent(): void {
  if (environmentNumber('WAGSNAP_WITH_PARENT=') === 0) return;
  if (!failed(syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0))) return;
  put('wag-snap: this kernel or emulator does not end a process with its parent (prctl)\n');
  flush();
  exit(EXIT_UNBOUND);
}
