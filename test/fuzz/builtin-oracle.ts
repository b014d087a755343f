/**
 * What the instructions do that call the host layer: growing, filling, copying and initialising memories and tables.
 */

import { Op } from '../../src/wasm/opcodes.js';
import { evaluate, type Instance, index, type Reference } from './machine.js';
import type { Raw } from './numeric-oracle.js';
import { I64 } from './shape.js';

/** @returns the result, if there is one. Operands are within bounds. */
export function runBuiltin(
  instance: Instance,
  code: Op,
  operands: readonly Raw[],
  [first, second]: readonly number[],
): Raw[] {
  const { module, memories, tables } = instance;
  const [a, b, c] = operands.map(Number);
  switch (code) {
    case Op.MemoryGrow: {
      const memory = memories[first];
      const { address, pageSize } = module.memories[first];
      const pages = memory.bytes.length / pageSize;
      if (pages + a > memory.max) return [address === I64 ? 0xffffffffffffffffn : 0xffffffff];
      const grown = new Uint8Array((pages + a) * pageSize);
      grown.set(memory.bytes);
      memory.bytes = grown;
      memory.view = new DataView(grown.buffer);
      return [index(address, pages)];
    }
    case Op.MemoryFill:
      memories[first].bytes.fill(b, a, a + c);
      return [];
    case Op.MemoryCopy:
      memories[first].bytes.set(memories[second].bytes.slice(b, b + c), a);
      return [];
    case Op.MemoryInit: {
      const { start } = module.datas[first];
      memories[second].bytes.set(module.bytes.subarray(start + b, start + b + c), a);
      return [];
    }
    case Op.TableGrow: {
      const { elements, max } = tables[first];
      const size = elements.length;
      if (size + b > max) return [0xffffffff];
      for (let i = 0; i < b; i++) elements.push(operands[0] as bigint);
      return [size];
    }
    case Op.TableFill:
      tables[first].elements.fill(operands[1] as bigint, a, a + c);
      return [];
    case Op.TableCopy: {
      const moved = tables[second].elements.slice(b, b + c);
      for (const [i, value] of moved.entries()) tables[first].elements[a + i] = value;
      return [];
    }
    default: {
      // table.init: the segment comes first
      const items = module.elements[first].items.slice(b, b + c);
      for (const [i, item] of items.entries()) {
        tables[second].elements[a + i] = evaluate(instance, item) as Reference;
      }
      return [];
    }
  }
}
