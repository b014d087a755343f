/** Random calls: of functions by index, through tables and through typed references. Tail calls: tail-calls.ts. */

import { Op } from '../../src/wasm/opcodes.js';
import type { Choices } from './choices.js';
import type { Code } from './code.js';
import { referenceTo } from './reference-types.js';
import { FuncRef, I32 } from './shape.js';
import type { Values } from './values.js';

export class Calls {
  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
  ) {}

  call(): void {
    const { choices, code, values } = this;
    const index = choices.next(code.shape.functions.length);
    const { params, results } = code.shape.functions[index];
    values.ensure(params);
    code.instruction(Op.Call, params.length, results, index);
  }

  indirect(): void {
    const { choices, code, values } = this;
    const { functions, elements, tables, types } = code.shape;
    const element = choices.next(elements.length);
    const { type } = functions[choices.oneIn(12) ? choices.next(functions.length) : Math.max(0, elements[element])];
    const { params, results } = types.list[type];
    values.ensure(params);
    const typed = tables.findIndex((table) => table.element === referenceTo(type, true));
    if (typed >= 0 && choices.oneIn(2)) {
      code.i32(choices.next(tables[typed].min));
      return code.instruction(Op.CallIndirect, params.length + 1, results, type, typed);
    }
    if (choices.oneIn(8)) {
      values.push(I32);
      code.i32(15);
      code.op(Op.I32And);
    } else if (elements[element] < 0 && !choices.oneIn(8)) {
      const known = elements.findIndex((index) => index >= 0 && functions[index].type === type);
      code.i32(Math.max(0, known));
    } else code.i32(element);
    const table = choices.oneIn(16) && tables.length > 1 && tables[1].element === FuncRef ? 1 : 0;
    code.instruction(Op.CallIndirect, params.length + 1, results, type, table);
  }

  /** Rarely of null. */
  reference(): void {
    const { choices, code, values } = this;
    const heap = choices.next(code.shape.heaps);
    const { params, results } = code.shape.types.list[heap];
    values.ensure(params);
    values.push(referenceTo(heap, choices.oneIn(4)));
    code.instruction(Op.CallRef, params.length + 1, results, heap);
  }
}
