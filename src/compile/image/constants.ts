/**
 * Evaluates constant expressions when linking. All of them are constants of the image: they may refer to immutable
 * globals only, imported ones included (core spec 3.3.10), and functions have fixed records.
 */

import { BugError } from '../../errors.js';
import { type ConstExpr, ExternKind, type Global } from '../wasm/module.js';
import { definition, type LinkedInstance } from './imports.js';

/** Raw bits, or a reference to a function (instance and index of its definition), or a null reference. */
export type Constant =
  | { readonly kind: 'bits'; readonly lo: number; readonly hi: number }
  | { readonly kind: 'function'; readonly instance: number; readonly index: number }
  | { readonly kind: 'null' };

const NULL: Constant = { kind: 'null' };

export function evaluate(instances: readonly LinkedInstance[], instance: number, expr: ConstExpr): Constant {
  switch (expr.op) {
    case 'const':
      return { kind: 'bits', lo: expr.lo, hi: expr.hi };
    case 'ref.null':
      return NULL;
    case 'ref.func': {
      const [owner, index] = definition(instances[instance], ExternKind.Func, expr.index);
      return { kind: 'function', instance: owner, index };
    }
    default: {
      const [owner, index] = definition(instances[instance], ExternKind.Global, expr.index);
      const global = instances[owner].module.globals[index];
      if (!('init' in global)) throw new BugError('a constant refers to a global without a value');
      return evaluate(instances, owner, (global as Global).init);
    }
  }
}

/** The value of an i32 expression as an unsigned number: an offset. */
export function evaluateOffset(instances: readonly LinkedInstance[], instance: number, expr: ConstExpr): number {
  const value = evaluate(instances, instance, expr);
  if (value.kind !== 'bits') throw new BugError('an offset is not a number');
  return value.lo >>> 0;
}
