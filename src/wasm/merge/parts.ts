/** Small parts of a module, written: constants and limits. Core spec 5.3.7, 5.4.9. */

import { type ConstOperand, type Limits, type MemoryType, ValType } from '../module.js';
import { erased } from '../ref-types.js';
import type { ByteWriter } from './byte-writer.js';
import type { IndexMaps } from './rewrite-body.js';

/** Bytes. */
const PAGE = 65536;

export function writeOperand(to: ByteWriter, step: ConstOperand, maps: IndexMaps): void {
  switch (step.op) {
    case 'const':
      if (step.type === ValType.I32) {
        to.byte(0x41);
        to.signed(step.lo);
      } else if (step.type === ValType.I64) {
        to.byte(0x42);
        to.signed64(step.lo, step.hi);
      } else {
        to.byte(step.type === ValType.F32 ? 0x43 : 0x44);
        to.word(step.lo);
        if (step.type === ValType.F64) to.word(step.hi);
      }
      return;
    case 'v128.const':
      to.byte(0xfd);
      to.byte(0x0c);
      for (const word of step.words) to.word(word);
      return;
    case 'global.get':
      to.byte(0x23);
      to.unsigned(maps.globals[step.index]);
      return;
    case 'ref.func':
      to.byte(0xd2);
      to.unsigned(maps.funcs[step.index]);
      return;
    case 'ref.null':
      to.byte(0xd0);
      to.byte(erased(step.type));
  }
}

/** Flags, sizes, and log2 of the page size where it is not the usual one (core spec 5.3.7). */
export function writeLimits(to: ByteWriter, { min, max, address, ...memory }: Limits & Partial<MemoryType>): void {
  const { shared = false, pageSize = PAGE } = memory;
  to.byte(
    (max === undefined ? 0 : 1) | (shared ? 2 : 0) | (address === ValType.I64 ? 4 : 0) | (pageSize === PAGE ? 0 : 8),
  );
  to.unsigned(min);
  if (max !== undefined) to.unsigned(max);
  if (pageSize !== PAGE) to.unsigned(Math.log2(pageSize));
}
