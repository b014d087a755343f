/** Fuel in random code: entries and back edges take from it, so that every run ends. */

import { Op } from '../../src/wasm/opcodes.js';
import type { Code } from './code.js';
import { fuelGlobal } from './shape.js';

export function pushFuel(code: Code): void {
  code.globalGet(fuelGlobal(code.shape));
}

export function burn(code: Code): void {
  pushFuel(code);
  code.i32(1);
  code.op(Op.I32Sub);
  code.globalSet(fuelGlobal(code.shape));
}

/** Burns, then an if around code, entered only while there is fuel. @param write leaves nothing on the stack */
export function whileFuel(code: Code, write: () => void): void {
  burn(code);
  pushFuel(code);
  code.i32(0);
  code.op(Op.I32GtS);
  code.begin(Op.If, [], []);
  write();
  code.end();
}
