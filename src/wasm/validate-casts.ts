/**
 * Validation of tests and casts of references (core spec 3.0, 3.3.8 and 3.4): ref.test, ref.cast, br_on_cast,
 * br_on_cast_fail, and ref.eq.
 */

import type { BodyState } from './body-state.js';
import { ValType } from './module.js';
import { valTypeName } from './text.js';

/** Bits of the byte after br_on_cast: which of the two types are nullable. */
export const SOURCE_NULLABLE = 1;
export const TARGET_NULLABLE = 2;

/** The eqref type as a heap type. */
const EQ = -0x13;

export function refTest({ reader, operands }: BodyState, nullable: boolean): void {
  operands.pop(operands.refTypes.top(reader.refTypes.read(reader, nullable)));
  operands.push(ValType.I32);
}

export function refCast({ reader, operands }: BodyState, nullable: boolean): void {
  const type = reader.refTypes.read(reader, nullable);
  operands.pop(operands.refTypes.top(type));
  operands.push(type);
}

/** @param onFailure branches with a reference that is not of the type, else with one that is */
export function brOnCast(body: BodyState, onFailure: boolean): void {
  const { reader, operands, immediates, lists } = body;
  const { refTypes } = reader;
  const flags = reader.u8();
  if (flags > (SOURCE_NULLABLE | TARGET_NULLABLE)) {
    throw immediates.malformed(`malformed br_on_cast flags 0x${flags.toString(16)}`);
  }
  const list = immediates.labelList();
  const source = refTypes.read(reader, (flags & SOURCE_NULLABLE) !== 0);
  const target = refTypes.read(reader, (flags & TARGET_NULLABLE) !== 0);
  if (!refTypes.matches(target, source)) {
    throw operands.mismatch(`${valTypeName(target)} is no subtype of ${valTypeName(source)}`);
  }
  if (lists.count(list) === 0) throw operands.mismatch('the label of a br_on_cast takes no reference');
  const rest = refTypes.isNullable(target) ? refTypes.nonNull(source) : source;
  operands.pop(source);
  operands.push(onFailure ? rest : target);
  operands.popList(list);
  operands.pushList(list);
  operands.height--; // the reference
  operands.push(onFailure ? target : rest);
}

export function refEq({ operands }: BodyState): void {
  const type = operands.refTypes.named(true, EQ);
  operands.pop(type);
  operands.pop(type);
  operands.push(ValType.I32);
}
