/**
 * Random functions that throw, catch and branch about, in two forms that must do the same: with the legacy try, which
 * every V8 knows, and with try_table and exnref.
 *
 * Every function is (i32, i32) -> i32 and takes from a global of fuel, so that all of them end. An expression is made once,
 * by a seed, and printed in either form.
 */

import { random } from '../support/random.js';

export type Form = 'legacy' | 'table';
/** An expression that gives an i32, as text. */
type Expr = (form: Form) => string;

interface Tag {
  readonly name: string;
  readonly types: readonly ('i32' | 'i64' | 'f64')[];
}

const TAGS: readonly Tag[] = [
  { name: '$none', types: [] },
  { name: '$one', types: ['i32'] },
  { name: '$two', types: ['i64', 'i32'] },
  { name: '$five', types: ['f64', 'i32', 'i32', 'i64', 'i32'] },
];
const FUNCTIONS = 6;
const LOCALS = { i32: ['$a', '$b', '$c', '$d'], i64: ['$l', '$m'], f64: ['$x', '$y'] } as const;

/** The names that are in scope. */
interface Scope {
  readonly labels: readonly string[]; // of blocks and tries, whose result is an i32
  readonly caught: readonly string[]; // of tries that a catch body is in
}

/** @param isCommand with a _start that calls all functions and exits with a number made of their results */
export function randomProgram(seed: number, delegates: boolean, isCommand = false): Record<Form, string> {
  return new Generator(seed, delegates).program(isCommand);
}

class Generator {
  private readonly next: () => number;
  private names = 0;
  private budget = 0;
  private references: string[] = [];

  constructor(
    seed: number,
    private readonly delegates: boolean,
  ) {
    this.next = random(seed);
  }

  program(isCommand: boolean): Record<Form, string> {
    const functions = Array.from({ length: FUNCTIONS }, (_, i) => this.func(i));
    const tags = TAGS.map(({ name, types }) => `(tag ${name} (param ${types.join(' ')}))`).join(' ');
    const exit = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))';
    const head = `${isCommand ? exit : ''} ${tags} (global $fuel (mut i32) (i32.const 0))
      (func (export "fill") (param i32) (global.set $fuel (local.get 0)))`;
    const text = (form: Form) => `(module ${head}\n${functions.map((func) => func(form)).join('\n')}
      ${isCommand ? start() : ''})`;
    return { legacy: text('legacy'), table: text('table') };
  }

  private below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  private func(index: number): Expr {
    this.budget = 60;
    this.references = [];
    const body = this.expr(5, { labels: [], caught: [] });
    const { references } = this;
    return (form) => `(func $f${index} (export "f${index}") (param $a i32) (param $b i32) (result i32)
      (local $c i32) (local $d i32) (local $l i64) (local $m i64) (local $x f64) (local $y f64)
      ${form === 'table' ? references.map((name) => `(local ${name} exnref)`).join(' ') : ''}
      (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
      (if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (return (i32.const ${index}))))
      ${body(form)})`;
  }

  private expr(depth: number, scope: Scope): Expr {
    if (depth === 0 || this.budget-- <= 0) return this.leaf();
    const sub = (inner = scope) => this.expr(depth - 1, inner);
    switch (this.below(this.delegates ? 17 : 16)) {
      case 0:
        return this.leaf();
      case 1:
      case 2:
        return this.binary(this.pick(['i32.add', 'i32.xor', 'i32.sub', 'i32.mul', 'i32.rem_u']), sub(), sub());
      case 3: {
        const [cond, then, other] = [sub(), sub(), sub()];
        return (form) => `(if (result i32) ${cond(form)} (then ${then(form)}) (else ${other(form)}))`;
      }
      case 4:
        return this.set(sub(), sub());
      case 5:
        return this.block(depth, scope);
      case 6:
        return this.loop(sub(), sub());
      case 7:
      case 8: {
        const [callee, a, b] = [this.below(FUNCTIONS), sub(), sub()];
        return (form) => `(call $f${callee} ${a(form)} ${b(form)})`;
      }
      case 9:
        return this.throwing(sub(), sub());
      case 10:
        return this.leave(sub(), scope);
      case 11: {
        if (scope.caught.length === 0) return this.throwing(sub(), sub());
        const name = this.pick(scope.caught);
        return (form) => (form === 'legacy' ? `(rethrow ${name})` : `(throw_ref (local.get ${name}_e))`);
      }
      case 16:
        return this.delegating(sub(), scope);
      default:
        return this.trying(depth, scope);
    }
  }

  private leaf(): Expr {
    const local = this.pick(LOCALS.i32);
    const number = this.below(8);
    return this.pick<Expr>([
      () => `(local.get ${local})`,
      () => `(i32.const ${number})`,
      () => '(i32.wrap_i64 (local.get $l))',
      () => '(i32.trunc_sat_f64_s (local.get $x))',
    ]);
  }

  private binary(op: string, left: Expr, right: Expr): Expr {
    return (form) => `(${op} ${left(form)} ${right(form)})`;
  }

  /** Some local of some type gets a value, then another value is the result. */
  private set(value: Expr, then: Expr): Expr {
    const type = this.pick(['i32', 'i32', 'i64', 'f64'] as const);
    const local = this.pick(LOCALS[type]);
    const wide = (text: string) =>
      type === 'i32' ? text : type === 'i64' ? `(i64.extend_i32_s ${text})` : `(f64.convert_i32_s ${text})`;
    return (form) => `(block (result i32) (local.set ${local} ${wide(value(form))}) ${then(form)})`;
  }

  private block(depth: number, scope: Scope): Expr {
    const name = `$n${this.names++}`;
    const inner = { ...scope, labels: [...scope.labels, name] };
    const [value, cond, then] = [this.expr(depth - 1, inner), this.expr(depth - 1, inner), this.expr(depth - 1, inner)];
    return (form) => `(block ${name} (result i32) (drop (br_if ${name} ${value(form)} ${cond(form)})) ${then(form)})`;
  }

  private loop(cond: Expr, then: Expr): Expr {
    const name = `$n${this.names++}`;
    return (form) => `(loop ${name} (result i32)
      (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
      (if (i32.and (i32.gt_s (global.get $fuel) (i32.const 0)) ${cond(form)}) (then (br ${name})))
      ${then(form)})`;
  }

  private leave(value: Expr, scope: Scope): Expr {
    if (scope.labels.length === 0) return (form) => `(return ${value(form)})`;
    const name = this.pick(scope.labels);
    return (form) => `(br ${name} ${value(form)})`;
  }

  private throwing(a: Expr, b: Expr): Expr {
    const { name, types } = this.pick(TAGS);
    const args = (form: Form) =>
      types.map((type, i) => {
        const value = (i % 2 === 0 ? a : b)(form);
        return type === 'i32' ? value : type === 'i64' ? `(i64.extend_i32_s ${value})` : `(f64.convert_i32_s ${value})`;
      });
    return (form) => `(throw ${name} ${args(form).join(' ')})`;
  }

  private delegating(body: Expr, scope: Scope): Expr {
    if (scope.labels.length === 0) return body;
    const label = this.pick(scope.labels);
    return (form) => `(try (result i32) (do ${body(form)}) (delegate ${label}))`;
  }

  /** A try with some catches: what they get goes to locals, then comes an expression. */
  private trying(depth: number, scope: Scope): Expr {
    const name = `$n${this.names++}`;
    this.references.push(`${name}_e`);
    const within = { ...scope, labels: [...scope.labels, name] };
    const body = this.expr(depth - 1, within);
    const inCatch = { labels: within.labels, caught: [...scope.caught, name] };
    const tags = TAGS.filter(() => this.below(3) === 0);
    const arms = tags.map((tag) => ({ tag, take: this.take(tag), rest: this.expr(depth - 1, inCatch) }));
    const all = arms.length === 0 || this.below(3) === 0 ? this.expr(depth - 1, inCatch) : undefined;
    const legacy = () => {
      const catches = arms.map(({ tag, take, rest }) => `(catch ${tag.name} ${take} ${rest('legacy')})`);
      if (all) catches.push(`(catch_all ${all('legacy')})`);
      return `(try ${name} (result i32) (do ${body('legacy')}) ${catches.join(' ')})`;
    };
    const table = () => {
      const clauses = arms.map(({ tag }, i) => `(catch_ref ${tag.name} ${name}_${i})`);
      if (all) clauses.push(`(catch_all_ref ${name}_all)`);
      const keep = `(local.set ${name}_e)`;
      let text = `(br ${name} (try_table (result i32) ${clauses.join(' ')} ${body('table')}))`;
      arms.forEach(({ tag, take, rest }, i) => {
        const types = [...tag.types, 'exnref'].join(' ');
        text = `(block ${name}_${i} (result ${types}) ${text}) ${keep} ${take} (br ${name} ${rest('table')})`;
      });
      if (all) text = `(block ${name}_all (result exnref) ${text}) ${keep} (br ${name} ${all('table')})`;
      return `(block ${name} (result i32) ${text})`;
    };
    return (form) => (form === 'legacy' ? legacy() : table());
  }

  /** Sets locals to what an exception carries, the last value first. */
  private take({ types }: Tag): string {
    return [...types]
      .reverse()
      .map((type) => `(local.set ${this.pick<string>(LOCALS[type])})`)
      .join(' ');
  }
}

/** Adds up what the functions give, or the number of those that throw. */
function start(): string {
  const calls = Array.from({ length: FUNCTIONS }, (_, i) => {
    const call = `(call $f${i} (i32.const ${i}) (local.get $sum))`;
    return `(global.set $fuel (i32.const 40))
      (local.set $sum (try (result i32) (do (i32.add (i32.mul (local.get $sum) (i32.const 31)) ${call}))
        (catch_all (i32.add (local.get $sum) (i32.const 1)))))`;
  });
  return `(memory (export "memory") 1) (func (export "_start") (local $sum i32) ${calls.join('\n')}
    (call $exit (i32.and (local.get $sum) (i32.const 127))))`;
}
