/**
 * Random tail calls: direct, of imported functions, through the table and through typed references; often after a
 * condition, as nothing follows one.
 */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import type { Code } from './code.js';
import { referenceTo } from './reference-types.js';
import { I32 } from './shape.js';
import type { Values } from './values.js';

export class TailCalls {
  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
  ) {}

  write(): void {
    const { choices, code, values } = this;
    if (choices.next(3) < 2) {
      values.push(I32, choices.next(3));
      code.begin(Op.If, [], []);
      this.call();
      code.end();
    } else if (code.frames.length > 2 || choices.oneIn(3)) this.call();
  }

  /** Of a function with the same results; false when there is no such one. */
  call(): boolean {
    const { choices, code, values } = this;
    const { functions, elements, types } = code.shape;
    const fits = (index: number) => index >= 0 && `${functions[index].results}` === `${code.results}`;
    const named = functions.map((_, i) => i).filter(fits);
    const heaps = types.list.map((_, i) => i).slice(0, code.shape.heaps);
    const referred = heaps.filter((heap) => `${types.list[heap].results}` === `${code.results}`);
    const inTable = elements.map((_, i) => i).filter((i) => fits(elements[i]));
    if (inTable.length > 0 && choices.oneIn(3)) {
      const element = choices.pick(inTable);
      const { params, type } = functions[elements[element]];
      this.place(params);
      code.i32(element);
      code.instruction(Op.ReturnCallIndirect, params.length + 1, [], type, 0);
    } else if (referred.length > 0 && choices.oneIn(2)) {
      const heap = choices.pick(referred);
      const { params } = types.list[heap];
      this.place(params);
      values.push(referenceTo(heap, choices.oneIn(4)));
      code.instruction(Op.ReturnCallRef, params.length + 1, [], heap);
    } else if (named.length > 0) {
      const index = choices.pick(named);
      const { params } = functions[index];
      this.place(params);
      code.instruction(Op.ReturnCall, params.length, [], index);
    } else return false;
    code.die();
    return true;
  }

  /** Arguments: half of the time locals, in any order, so that parameters are moved to each other's places. */
  private place(params: readonly number[]): void {
    const { choices, code, values } = this;
    if (choices.oneIn(2)) return values.ensure(params);
    for (const type of params) {
      const local = values.localOf(type);
      if (local >= 0) code.localGet(local);
      else values.push(type);
    }
  }
}
