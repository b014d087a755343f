/** /dev/null, which stands for what is closed or ignored. AssemblyScript. */

import { moveHigh } from '../native/high-descriptor';
import { SYS_openat } from '../native/target';
import { AT_FDCWD, O_CLOEXEC, O_RDWR, call, native } from './linux';

const DEV_NULL: usize = memory.data<u8>([0x2f, 0x64, 0x65, 0x76, 0x2f, 0x6e, 0x75, 0x6c, 0x6c, 0]); // "/dev/null"

export function openDevNull(): i64 {
  return call(SYS_openat, AT_FDCWD, native(DEV_NULL), O_RDWR | O_CLOEXEC);
}

/**
 * A descriptor of /dev/null, or -1. It is opened early and kept, because the sandbox may forbid opening it later.
 */
export let nothing: i64 = -1;

export function keepDevNull(): void {
  nothing = moveHigh(openDevNull());
}
