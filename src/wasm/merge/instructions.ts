/** Instructions of made functions, written. Core spec 5.4. */

import { Op } from '../opcodes.js';
import type { ByteWriter } from './byte-writer.js';

/** An opcode; one of two bytes has its prefix in the higher one. */
export function opcode(to: ByteWriter, op: Op): void {
  if (op <= 0xff) return to.byte(op);
  to.byte(op >> 8);
  to.unsigned(op & 0xff);
}

/** i32.const */
export function constant(to: ByteWriter, value: number): void {
  opcode(to, Op.I32Const);
  to.signed(value);
}
