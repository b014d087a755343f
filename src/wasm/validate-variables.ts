/** Validation of local.get, local.set, local.tee, global.get and global.set (core spec 3.3.5). */

import type { BodyState } from './body-state.js';
import { FIRST_PLAIN_TYPE } from './ref-types.js';

export function localGet(body: BodyState): void {
  const index = local(body);
  const type = body.localTypes[index];
  if (type < FIRST_PLAIN_TYPE && body.unsetLocals.has(index)) {
    throw body.immediates.invalid(`uninitialized local ${index}`);
  }
  body.operands.push(type);
}

export function localSet(body: BodyState): void {
  const index = local(body);
  const type = body.localTypes[index];
  body.operands.pop(type);
  if (type < FIRST_PLAIN_TYPE) body.unsetLocals.assign(index, body.control.depth);
}

export function localTee(body: BodyState): void {
  const index = local(body);
  const type = body.localTypes[index];
  body.operands.pop(type);
  if (type < FIRST_PLAIN_TYPE) body.unsetLocals.assign(index, body.control.depth);
  body.operands.push(type);
}

/** A local's index, whose use is noted. */
function local({ reader, control, immediates, summary }: BodyState): number {
  const index = reader.u32();
  if (index >= summary.localCount) throw immediates.invalid(`unknown local ${index}`);
  summary.localWeight[index] += control.currentWeight;
  return index;
}

export function globalGet({ operands, immediates }: BodyState): void {
  operands.push(immediates.globalTypeOf(immediates.global()));
}

export function globalSet({ module, operands, immediates }: BodyState): void {
  const index = immediates.global();
  if (!module.globals[index].mutable) throw immediates.invalid(`global is immutable: ${index}`);
  operands.pop(immediates.globalTypeOf(index));
}
