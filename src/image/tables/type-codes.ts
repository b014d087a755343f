/** The codes of value types in the site tables (image/contract/site-tables.ts TYPE_*), both ways. */

import { ValType } from '../../wasm/module.js';
import {
  TYPE_EXNREF,
  TYPE_EXTERNREF,
  TYPE_F32,
  TYPE_F64,
  TYPE_FUNCREF,
  TYPE_I32,
  TYPE_I64,
  TYPE_V128,
} from '../contract/site-tables.js';

const CODES: readonly (readonly [type: ValType, code: number])[] = [
  [ValType.I32, TYPE_I32],
  [ValType.I64, TYPE_I64],
  [ValType.F32, TYPE_F32],
  [ValType.F64, TYPE_F64],
  [ValType.V128, TYPE_V128],
  [ValType.FuncRef, TYPE_FUNCREF],
  [ValType.ExternRef, TYPE_EXTERNREF],
  [ValType.ExnRef, TYPE_EXNREF],
];

const codeOf = new Uint8Array(256);
const typeOf = new Uint8Array(16);
for (const [type, code] of CODES) {
  codeOf[type] = code;
  typeOf[code] = type;
}

export function typeCode(type: ValType): number {
  return codeOf[type];
}

/** The value type of a code; 0 for an unknown code. */
export function typeOfCode(code: number): ValType | 0 {
  return typeOf[code];
}
