/**
 * Evaluates constant expressions when linking. All of them are constants of the image: they may refer to immutable
 * globals only (core spec 3.3.10), and functions have fixed records.
 *
 * A global is evaluated once, after all globals before it. So a chain of a million globals, each initialized from the
 * one before, takes a million steps and no recursion.
 */

import { BugError } from '../../base/errors.js';
import { isOperator } from '../../wasm/const-expr.js';
import { type ConstExpr, type ConstOperand, type ConstOperator, ExternKind, ValType } from '../../wasm/module.js';
import { definition, type LinkedInstance } from './linked-instance.js';

export interface Bits {
  readonly kind: 'bits';
  readonly lo: number;
  readonly hi: number;
}

/**
 * Raw bits, the four words of a v128, or a reference to a function (instance and index of its definition), or a null
 * reference.
 */
export type Constant =
  | Bits
  | { readonly kind: 'vector'; readonly words: readonly number[] }
  | { readonly kind: 'function'; readonly instance: number; readonly index: number }
  | { readonly kind: 'null' };

const NULL: Constant = { kind: 'null' };

/** Of each instance, its defined globals' values, as far as they have been asked for. */
const globals = new WeakMap<LinkedInstance, Constant[]>();

export function evaluate(instances: readonly LinkedInstance[], instance: number, expr: ConstExpr): Constant {
  if (expr.op !== 'steps') return evaluateOperand(instances, instance, expr);
  const stack: Constant[] = [];
  for (const step of expr.steps) {
    if (!isOperator(step)) stack.push(evaluateOperand(instances, instance, step));
    else {
      const right = numberOf(stack.pop());
      stack.push(apply(step, numberOf(stack.pop()), right));
    }
  }
  return stack[0];
}

/** The initial value of a global, given by its definition. */
export function globalValue(instances: readonly LinkedInstance[], instance: number, index: number): Constant {
  const { module } = instances[instance];
  let values = globals.get(instances[instance]);
  if (values === undefined) globals.set(instances[instance], (values = []));
  const defined = index - module.importedGlobalCount;
  for (let i = values.length; i <= defined; i++) {
    const global = module.globals[module.importedGlobalCount + i];
    if (!('init' in global)) throw new BugError('a defined global without a value');
    values.push(evaluate(instances, instance, global.init));
  }
  if (defined < 0) throw new BugError('a constant refers to a global without a value');
  return values[defined];
}

/** The value of an i32 or i64 expression that is an offset; the upper word of an i32 is zero. */
export function evaluateOffset(instances: readonly LinkedInstance[], instance: number, expr: ConstExpr): Bits {
  return numberOf(evaluate(instances, instance, expr));
}

function evaluateOperand(instances: readonly LinkedInstance[], instance: number, expr: ConstOperand): Constant {
  switch (expr.op) {
    case 'const':
      return { kind: 'bits', lo: expr.lo, hi: expr.hi };
    case 'v128.const':
      return { kind: 'vector', words: expr.words };
    case 'ref.null':
      return NULL;
    case 'ref.func': {
      const [owner, index] = definition(instances[instance], ExternKind.Func, expr.index);
      return { kind: 'function', instance: owner, index };
    }
    case 'global.get':
      return globalValue(instances, ...definition(instances[instance], ExternKind.Global, expr.index));
  }
}

function numberOf(value: Constant | undefined): Bits {
  if (value?.kind !== 'bits') throw new BugError('a constant expression is not the number that it was checked to be');
  return value;
}

function apply({ op, type }: ConstOperator, left: Bits, right: Bits): Bits {
  const a = wide(left);
  const b = wide(right);
  const value = op === 'add' ? a + b : op === 'sub' ? a - b : a * b;
  const hi = type === ValType.I32 ? 0 : Number(BigInt.asIntN(32, value >> 32n));
  return { kind: 'bits', lo: Number(BigInt.asIntN(32, value)), hi };
}

function wide({ lo, hi }: Bits): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}
