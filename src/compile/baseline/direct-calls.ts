/** Calls and tail calls of functions of the same module: relocations, until all of them are compiled. */

import type { MacroAssembler } from '../../arch/masm/masm.js';
import { Column } from '../../image/tables/site-tables.js';

export class DirectCalls {
  private readonly calls = new Column(); // handle, defined function index
  private readonly jumps = new Column(); // the same, of tail calls

  constructor(private readonly masm: MacroAssembler) {}

  call(defined: number): void {
    this.calls.push(this.masm.call());
    this.calls.push(defined);
  }

  jump(defined: number): void {
    this.jumps.push(this.masm.jumpTo());
    this.jumps.push(defined);
  }

  /** @param offsets text offset of each defined function */
  link(offsets: Int32Array): void {
    const { masm, calls, jumps } = this;
    for (let i = 0; i < calls.length; i += 2) masm.patchCall(calls.words[i], offsets[calls.words[i + 1]]);
    for (let i = 0; i < jumps.length; i += 2) masm.patchJump(jumps.words[i], offsets[jumps.words[i + 1]]);
    calls.length = jumps.length = 0;
  }
}
