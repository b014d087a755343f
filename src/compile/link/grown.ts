/**
 * Whether a memory or table may be larger than it is declared to be, when a module that imports it is instantiated:
 * start functions of earlier instances may have grown it. An image is linked ahead of time, so such an import is
 * accepted, and instantiating the module checks the size (runtime/process/instantiate.ts). Where nothing can have grown
 * it, the declared size is the size.
 */

import { ExternKind } from '../../wasm/module.js';
import { Op, Prefix } from '../../wasm/opcodes.js';
import { Reader } from '../../wasm/reader.js';
import { someInstruction } from '../../wasm/some-instruction.js';
import { validateBodies } from '../../wasm/validate.js';
import { definition, type LinkedInstance } from './linked-instance.js';

/**
 * @param instances those linked so far, the host layer first
 * @param owner (instance, index) of the definition
 * @throws ModuleError when a body of theirs is invalid
 */
export function mayHaveGrown(
  instances: readonly LinkedInstance[],
  kind: ExternKind.Memory | ExternKind.Table,
  [owner, index]: readonly [number, number],
): boolean {
  return instances.some((instance) => {
    const { module, file } = instance;
    if (instance.index === 0) return false; // the host layer
    const space = kind === ExternKind.Memory ? module.memories : module.tables;
    const own = new Set(
      Array.from(space.keys()).filter((i) => {
        const [of, at] = definition(instance, kind, i);
        return of === owner && at === index;
      }),
    );
    if (own.size === 0) return false;
    validateBodies(module, file);
    return someInstruction(module, (bytes, at) => own.has(grownAt(kind, bytes, at)));
  });
}

/** The index of the memory or table that the instruction grows, or -1. */
function grownAt(kind: ExternKind, bytes: Uint8Array, at: number): number {
  if (kind === ExternKind.Memory) return bytes[at] === Op.MemoryGrow ? new Reader(bytes, '', at + 1).u32() : -1;
  if (bytes[at] !== Prefix.Misc) return -1;
  const reader = new Reader(bytes, '', at + 1);
  return reader.u32() === (Op.TableGrow & 0xff) ? reader.u32() : -1;
}
