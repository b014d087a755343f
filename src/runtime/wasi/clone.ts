/**
 * Clones: several processes that continue the same snapshot, from one image. WAGSNAP_CLONE tells each its number, 0 for
 * the first. So that clones can differ, each has a generation of its own (the snapshot's plus its number), and its
 * number as WAG_SNAP_CLONE in its environment.
 *
 * AssemblyScript. Most programs read their environment once, when they start, which was before the capture:
 * wag_snap.clone tells at any time.
 */

import { RT_ENVP, RT_GENERATION } from '../../image/contract/runtime-block';
import { load64, memoryBase, store64 } from '../native/native';
import { indexOf, startsWith, variable } from '../process/environment';
import { half, setHalf, word } from '../process/runtime-block';

/** A capture adds one to it. */
const GENERATION_MAX: i64 = 0xfffffffe;
// a variable's name, a number and the final 0
const cloneText: usize = memory.data(40);
const generationText: usize = memory.data(40);

/**
 * Makes this process the clone with that number. RT_ENVP is the resume plan's list: after its end there is room for one
 * more.
 */
export function becomeClone(number: i64): void {
  const wanted = <i64>(<u32>half(RT_GENERATION)) + number;
  const generation = wanted > GENERATION_MAX ? GENERATION_MAX : wanted;
  setHalf(RT_GENERATION, <i32>generation);
  setVariable('WAG_SNAP_GENERATION=', generationText, generation);
  setVariable('WAG_SNAP_CLONE=', cloneText, number);
}

/** wag_snap.clone: the number; -1 in a process that is no clone and continues none. */
export function clone(): i32 {
  const text = variable('WAG_SNAP_CLONE=');
  return text === 0 ? -1 : <i32>indexOf(text);
}

/** Replaces a variable, or adds it at the end. @param to bytes of the host layer's memory */
function setVariable(name: string, to: usize, value: i64): void {
  write(name, to, value);
  let at = word(RT_ENVP);
  while (load64(at) !== 0 && !startsWith(load64(at), name)) at += 8;
  store64(at, memoryBase() + to);
}

function write(name: string, to: usize, value: i64): void {
  for (let i = 0; i < name.length; i++) store<u8>(to + i, <u8>load<u16>(changetype<usize>(name) + (i << 1)));
  let digits = 1;
  for (let rest = value / 10; rest > 0; rest /= 10) digits++;
  const end = name.length + digits;
  store<u8>(to + end, 0);
  for (let i = end - 1; i >= name.length; i--) {
    store<u8>(to + i, <u8>(48 + (value % 10)));
    value /= 10;
  }
}
