/**
 * wag_snap.generation: how often the computation has been captured and restored, for programs that must know (to take a
 * new lock, to seed again, to connect again).
 *
 * AssemblyScript. 0 in a process that was started afresh, else the generation of the snapshot that it continues from.
 * The same number is in its environment, as WAG_SNAP_GENERATION; but most programs read that once, when they start.
 */

import { RT_GENERATION } from '../../image/contract/runtime-block';
import { load32_u, runtime } from '../native/native';

export function generation(): i32 {
  return load32_u(runtime() + <i64>RT_GENERATION);
}
