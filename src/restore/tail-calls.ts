/**
 * What tail calls may have made of a call on a snapshot's stack. The inner frame then belongs to another function than
 * the one that the outer frame's instruction calls.
 *
 * Which tail calls led there is unknown and does not matter: a module may call whatever it likes. Checked is what the
 * surrounding code relies on. The results have the types that the outer frame expects. The parameters fit in the area
 * that it has reserved, where the inner frame has them. Both functions belong to the same instance, except after a call
 * through a table, after which the outer frame sets its instance register again. A module without tail calls cannot do
 * any of this, so a snapshot of it may not either.
 */

import type { Identity } from '../image/tables/identity.js';
import type { FuncType, Module } from '../wasm/module.js';
import { Op } from '../wasm/opcodes.js';
import { exactOf } from '../wasm/ref-types.js';
import { someInstruction } from '../wasm/some-instruction.js';

/** By binary: looking for tail calls takes long, and a program’s later snapshots have the same (ground.ts). */
const uses = new WeakMap<Uint8Array, boolean>();

export class TailCalls {
  /** The slots that a call of a type reserves. */
  private readonly slots = new Map<string, number>();
  private readonly tailSlots: number;

  constructor({ types, tailSlots = 0 }: Identity) {
    for (const { slots, ...type } of types) if (slots !== undefined) this.slots.set(erasedKey(type), slots);
    this.tailSlots = tailSlots;
  }

  /**
   * Whether a call of a function of type `called` (of `calledModule`) can leave a function of type `actual` on the
   * stack. The function that made the tail call belongs to `actualModule`.
   */
  mayReplace(calledModule: Module, called: FuncType, actualModule: Module, actual: FuncType): boolean {
    const results = (module: Module, type: FuncType) =>
      Array.from(exactOf(type).results, (code) => module.refTypes.key(code));
    if (results(calledModule, called).join() !== results(actualModule, actual).join()) return false;
    if (!usesTailCalls(actualModule)) return false;
    const reserved = Math.max(this.slots.get(erasedKey(called)) ?? 0, this.tailSlots);
    return (this.slots.get(erasedKey(actual)) ?? Infinity) <= reserved;
  }
}

/**
 * Whether two types have the same parameters and results, apart from what references refer to: all references travel
 * alike.
 */
function erasedKey({ params, results }: FuncType): string {
  return `${params.join()}>${results.join()}`;
}

/** Whether a tail call occurs in the function bodies, which are valid. */
function usesTailCalls(module: Module): boolean {
  let known = uses.get(module.bytes);
  if (known === undefined) {
    const codes: readonly number[] = [Op.ReturnCall, Op.ReturnCallIndirect, Op.ReturnCallRef];
    uses.set(module.bytes, (known = someInstruction(module, (bytes, at) => codes.includes(bytes[at]))));
  }
  return known;
}
