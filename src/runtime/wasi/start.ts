/**
 * wasi_start: the host state of a program that starts afresh. Descriptors 0, 1 and 2, then the preopens and listeners.
 *
 * AssemblyScript. Called by start with the arguments and environment in the runtime block, before any guest code runs.
 */

import { FDK_STDIO, HOST_STATE_VERSION, HS_PENDING_TIMEOUT, HS_VERSION } from '../../image/contract/host-state';
import { RT_HOST_STATE } from '../../image/contract/runtime-block';
import { runtime, store64, syscall } from '../native/native';
import { SYS_ioctl, SYS_rt_sigaction } from '../native/target';
import { environmentChoice, environmentNumber } from '../process/environment';
import { RIGHT_FD_READ, RIGHT_FD_SEEK, RIGHT_FD_TELL } from '../descriptors/abi';
import { useWalk } from '../descriptors/beneath';
import { keepDevNull, openDevNull } from '../descriptors/dev-null';
import { FILE_RIGHTS, FILE_WRITE_RIGHTS } from '../descriptors/rights';
import { STATE, entryAt, setAccess, setEntry, setFlags } from '../descriptors/table';
import { openListeners } from './listeners';
import { O_ACCMODE, O_RDONLY, O_WRONLY, TCGETS, call, native, statusFlags, wasiFlags } from '../descriptors/linux';
import { openPreopens } from './preopens';
import { publishListings } from '../descriptors/listing';
import { allowProc } from '../descriptors/procfs';

const TERMIOS: usize = memory.data(64, 8);
/** struct sigaction of the kernel: handler SIG_IGN, no flags, no restorer, empty mask. */
const IGNORE: usize = memory.data<u64>([1, 0, 0, 0]);
const SIGPIPE: i64 = 13;

/** Prepares what a fresh start and a resumed one both need. */
export function prepare(): void {
  store64(runtime() + <i64>RT_HOST_STATE, native(STATE));
  // WASI has no signals: a write to a pipe that nobody reads is EPIPE
  syscall(SYS_rt_sigaction, SIGPIPE, native(IGNORE), 0, 8, 0, 0);
  // a standard descriptor that is closed: the next file would get its number
  for (let i: i64 = 0; i < 3; i++) if (statusFlags(i) < 0) openDevNull();
  keepDevNull();
  allowProc(environmentChoice('WAGSNAP_ALLOW_PROC=', '0', '1'));
  if (environmentNumber('WAGSNAP_NO_OPENAT2=') !== 0) useWalk();
}

/** Whether a terminal: those have no right to seek, which is how wasi-libc's isatty knows them from other devices. */
function isTerminal(descriptor: i64): bool {
  return call(SYS_ioctl, descriptor, TCGETS, native(TERMIOS)) >= 0;
}

function setStdio(index: u32): void {
  const descriptor: i64 = index;
  const flags = statusFlags(descriptor);
  const access = flags & O_ACCMODE;
  let rights = FILE_RIGHTS;
  if (access != O_WRONLY) rights |= RIGHT_FD_READ;
  if (access != O_RDONLY) rights |= FILE_WRITE_RIGHTS;
  if (isTerminal(descriptor)) rights &= ~(RIGHT_FD_SEEK | RIGHT_FD_TELL);
  const entry = entryAt(index);
  setEntry(entry, FDK_STDIO, descriptor, rights, 0);
  setFlags(entry, wasiFlags(flags));
  setAccess(entry, access == O_RDONLY ? 1 : access == O_WRONLY ? 2 : 3);
}

export function wasi_start(): void {
  prepare();
  store<u32>(STATE, HOST_STATE_VERSION, HS_VERSION);
  publishListings(STATE);
  store<i64>(STATE, -1, HS_PENDING_TIMEOUT);
  for (let i: u32 = 0; i < 3; i++) setStdio(i);
  openPreopens();
  openListeners();
}
