/**
 * Sets the process's name in the system (`comm`, proc(5)): the workload's name, or the program's. Otherwise `ps`, `top`
 * and `pgrep` would show a key of the cache, or the number of the descriptor that it was executed by.
 *
 * AssemblyScript. Before the sandbox, whose filter does not let a process rename itself.
 */

import { RT_ARGC, RT_ARGV, RT_NAME, RT_NAME_LENGTH } from '../../image/contract/runtime-block';
import { load64, load8_u, memoryBase, runtime, syscall } from '../native/native';
import { SYS_prctl } from '../native/target';
import { environmentName } from './environment';
import { half, word } from './runtime-block';

const PR_SET_NAME: i64 = 15;
/** Bytes that the kernel keeps of it. */
const COMM_MAX: i32 = 15;
const SLASH: i32 = 47;
const QUESTION_MARK: i32 = 63;
const DELETE: i32 = 127;
const comm: usize = memory.data(16);

/** By WAGSNAP_NAME, by the image, or by the last part of the program's argument 0. */
export function nameProcess(): void {
  let name = environmentName('WAGSNAP_NAME=');
  if (name === 0 && half(RT_NAME_LENGTH) !== 0) name = runtime() + RT_NAME;
  if (name === 0) name = programName();
  if (name === 0) return;
  let length = 0;
  for (; length < COMM_MAX && load8_u(name + length) !== 0; length++) {
    const byte = load8_u(name + length);
    store<u8>(comm + length, <u8>(byte < 32 || byte === DELETE ? QUESTION_MARK : byte));
  }
  store<u8>(comm + length, 0);
  if (length > 0) syscall(SYS_prctl, PR_SET_NAME, memoryBase() + comm, 0, 0, 0, 0);
}

/** What follows the last slash. */
function programName(): i64 {
  if (word(RT_ARGC) === 0) return 0;
  let name = load64(word(RT_ARGV));
  for (let at = name; load8_u(at) !== 0; at++) if (load8_u(at) === SLASH) name = at + 1;
  return name;
}
