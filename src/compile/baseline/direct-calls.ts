/** Calls and tail calls of functions of the same module: relocations, until all of them are compiled. */

import type { MacroAssembler } from '../../arch/masm/masm.js';
import { Column } from '../../image/tables/site-tables.js';
import type { DirectCallLists } from '../generator.js';

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

  /** Takes the lists out, and leaves them empty. */
  take(): DirectCallLists {
    const lists = { calls: this.calls.copy(), jumps: this.jumps.copy() };
    this.calls.length = this.jumps.length = 0;
    return lists;
  }

  /** Adds the calls of text that was made for offset 0 and now begins at `textOffset`. */
  adopt({ calls, jumps }: DirectCallLists, textOffset: number): void {
    appendMoved(this.calls, calls, textOffset);
    appendMoved(this.jumps, jumps, textOffset);
  }

  /** @param offsets text offset of each defined function */
  link(offsets: Int32Array): void {
    const { masm, calls, jumps } = this;
    for (let i = 0; i < calls.length; i += 2) masm.patchCall(calls.words[i], offsets[calls.words[i + 1]]);
    for (let i = 0; i < jumps.length; i += 2) masm.patchJump(jumps.words[i], offsets[jumps.words[i + 1]]);
    calls.length = jumps.length = 0;
  }
}

function appendMoved(column: Column, pairs: Uint32Array, textOffset: number): void {
  for (let i = 0; i < pairs.length; i += 2) {
    column.push(pairs[i] + textOffset);
    column.push(pairs[i + 1]);
  }
}
