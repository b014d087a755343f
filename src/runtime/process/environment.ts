/**
 * What the kernel hands to a process: arguments and environment, on the initial stack (System V ABI 3.4.1).
 *
 * AssemblyScript. argc, the argument pointers, 0, the environment pointers, 0, the auxiliary vector.
 */

import { RT_ARGC, RT_ARGV, RT_AUXV, RT_ENVP } from '../layout';
import { load64, load8_u } from '../native';
import { setWord, word } from './runtime-block';

/** Fills RT_ARGC, RT_ARGV, RT_ENVP and RT_AUXV. @param sp the initial stack pointer */
export function findArguments(sp: i64): void {
  const argc = load64(sp);
  const envp = sp + 8 + argc * 8 + 8;
  let end = envp;
  while (load64(end) !== 0) end += 8;
  setWord(RT_ARGC, argc);
  setWord(RT_ARGV, sp + 8);
  setWord(RT_ENVP, envp);
  setWord(RT_AUXV, end + 8);
}

/** The number that a variable of the process's own environment holds, 0 when it has none. `name` ends with "=". */
export function environmentNumber(name: string): i64 {
  for (let at = word(RT_ENVP); load64(at) !== 0; at += 8) {
    const entry = load64(at);
    if (!startsWith(entry, name)) continue;
    let value: i64 = 0;
    for (let digit = entry + name.length; load8_u(digit) >= 48 && load8_u(digit) <= 57; digit++) {
      value = value * 10 + load8_u(digit) - 48;
    }
    return value;
  }
  return 0;
}

/** Whether the process's own environment has exactly this NAME=VALUE. */
export function environmentHas(variable: string): bool {
  for (let at = word(RT_ENVP); load64(at) !== 0; at += 8) {
    const entry = load64(at);
    if (startsWith(entry, variable) && load8_u(entry + variable.length) === 0) return true;
  }
  return false;
}

function startsWith(address: i64, text: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (load8_u(address + i) !== <i32>load<u16>(changetype<usize>(text) + (i << 1))) return false;
  }
  return true;
}
