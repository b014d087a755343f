/**
 * Random functions that throw, catch and branch about, in two forms that must do the same: with the legacy try, which
 * every V8 supports, and with try_table and exnref.
 *
 * Every function gives an i32 and takes from a global of fuel, so that all of them end. Those with an odd number have
 * more parameters than there are registers; a third makes tail calls only, so that locals are pinned. An expression is
 * made once, by a seed, and printed in either form.
 */

import { decodeModule } from '../../src/wasm/decode.js';
import { Op } from '../../src/wasm/opcodes.js';
import { Reader } from '../../src/wasm/reader.js';
import { skipInstruction } from '../../src/wasm/skip.js';
import { random } from '../support/random.js';

export type Form = 'legacy' | 'table';
/** An expression that gives an i32, as text. */
type Expr = (form: Form) => string;

type Type = 'i32' | 'i64' | 'f64' | 'v128';

interface Tag {
  readonly name: string;
  readonly types: readonly Type[];
}

const TAGS: readonly Tag[] = [
  { name: '$none', types: [] },
  { name: '$one', types: ['i32'] },
  { name: '$two', types: ['i64', 'i32'] },
  { name: '$five', types: ['f64', 'i32', 'i32', 'i64', 'i32'] },
  { name: '$vector', types: ['v128'] },
  { name: '$mixed', types: ['i32', 'v128', 'i64', 'v128'] },
];
const FUNCTIONS = 6;
const LOCALS: Readonly<Record<Type, readonly string[]>> = {
  i32: ['$a', '$b', '$c', '$d', '$e'],
  i64: ['$l', '$m', '$n', '$o'],
  f64: ['$x', '$y'],
  v128: ['$p', '$q', '$r', '$s', '$t', '$u', '$v'],
};
/** Two parameters, or all locals: more than there are registers of either class. */
const PARAMS = [
  ['$a', '$b'],
  ['$a', '$b', '$l', '$p', '$m', '$q', '$n', '$x', '$o', '$r', '$y', '$c', '$s', '$d', '$t', '$u', '$v', '$e'],
];
const TYPES = ['i32', 'i64', 'f64', 'v128'] as const;
const ALL_LOCALS = TYPES.flatMap((type) => LOCALS[type]);

function typeOf(local: string): Type {
  return TYPES.find((type) => LOCALS[type].includes(local))!;
}

/** An i32 as a value of another type. */
function widened(type: Type, text: string): string {
  switch (type) {
    case 'i32':
      return text;
    case 'i64':
      return `(i64.extend_i32_s ${text})`;
    case 'f64':
      return `(f64.convert_i32_s ${text})`;
    default:
      return `(i32x4.splat ${text})`;
  }
}

function declarations(kind: 'param' | 'local', locals: readonly string[]): string {
  return locals.map((local) => `(${kind} ${local} ${typeOf(local)})`).join(' ');
}

/** The names that are in scope. */
interface Scope {
  readonly labels: readonly string[]; // of blocks and tries, whose result is an i32
  readonly caught: readonly string[]; // of tries that a catch body is in
}

/** @param isCommand with a _start that calls all functions and exits with a number made of their results */
export function randomProgram(seed: number, delegates: boolean, isCommand = false): Record<Form, string> {
  return new Generator(seed, delegates).program(isCommand);
}

/**
 * The same with calls through references to functions, as wabt knows no call_ref: in place of those through table 1.
 */
export function withReferences(module: Uint8Array): Uint8Array {
  const { bodyStart, bodyEnd, importedFuncCount } = decodeModule(module);
  const bytes = module.slice();
  for (let i = 0; i < bodyStart.length; i++) {
    const reader = new Reader(module, 'random', bodyStart[i], bodyEnd[i]);
    for (let groups = reader.u32(); groups > 0; groups--) {
      reader.u32();
      reader.u8();
    }
    let before = reader.pos;
    for (let at = before; at < bodyEnd[i]; at = skipInstruction(module, at)) {
      const tail = module[at] === Op.ReturnCallIndirect;
      if ((tail || module[at] === Op.CallIndirect) && module[at + 2] === 1) {
        bytes.set([Op.RefFunc, importedFuncCount + FUNCTIONS + 1 + module[before + 1]], before); // after "fill" and the entries
        bytes.set([tail ? Op.ReturnCallRef : Op.CallRef, module[at + 1], Op.Nop], at);
      }
      before = at;
    }
  }
  return bytes;
}

class Generator {
  private readonly next: () => number;
  private names = 0;
  private budget = 0;
  private calls = true;
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
    const elements = functions.map((_, i) => `$f${i}`).join(' ');
    const types = PARAMS.map((locals, i) => `(type $type${i} (func ${declarations('param', locals)} (result i32)))`);
    const head = `${types.join(' ')} ${isCommand ? exit : ''} ${tags} (global $fuel (mut i32) (i32.const 0))
      (table $table funcref (elem ${elements})) (table $references funcref (elem ${elements}))
      ${functions.map((_, i) => entry(i)).join('\n')}
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
    this.calls = this.below(3) > 0;
    this.references = [];
    const body = this.expr(5, { labels: [], caught: [] });
    const { references } = this;
    const params = PARAMS[index % 2];
    const locals = ALL_LOCALS.filter((local) => !params.includes(local));
    const starts = locals.map((local, i) => `(local.set ${local} ${widened(typeOf(local), `(i32.const ${i + 3})`)})`);
    const [before, value] = [starts.filter(() => this.below(2) === 0).join(' '), this.pick(LOCALS.i32)];
    return (form) => `(func $f${index} (type $type${index % 2}) ${declarations('param', params)} (result i32)
      ${declarations('local', locals)}
      ${form === 'table' ? references.map((name) => `(local ${name} exnref)`).join(' ') : ''}
      (global.set $fuel (i32.sub (global.get $fuel) (i32.const 1)))
      (if (i32.lt_s (global.get $fuel) (i32.const 0)) (then (return (i32.const ${index}))))
      ${before}
      (local.set ${value} ${body(form)})
      ${allLocals()})`;
  }

  private expr(depth: number, scope: Scope): Expr {
    if (depth === 0 || this.budget-- <= 0) return this.leaf();
    const sub = (inner = scope) => this.expr(depth - 1, inner);
    switch (this.below(this.delegates ? 20 : 19)) {
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
      case 8:
        return this.calls ? this.call('call', sub(), sub()) : this.set(sub(), sub());
      case 9:
        return this.sometimes(this.throwing(sub(), sub()), sub());
      case 10:
        return this.sometimes(this.leave(sub(), scope), sub());
      case 11:
        return this.sometimes(this.again(scope) ?? this.throwing(sub(), sub()), sub());
      case 12:
        return this.sometimes(this.call('return_call', sub(), sub()), sub());
      case 13:
        return this.sometimes(this.table(sub(), sub(), scope), sub());
      case 14:
        return this.below(2) === 0 ? this.kept(depth, scope) : this.choice(sub(), sub(), sub());
      case 19:
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
      () => `(i32x4.extract_lane ${number & 3} (local.get $p))`,
      () => '(i8x16.bitmask (i32x4.gt_s (local.get $q) (local.get $r)))',
    ]);
  }

  /** Something of a type that has no effect: what is in a local, of any use before, or a constant. */
  private argument(type: Type): string {
    const number = this.below(8);
    if (type !== 'v128' && this.below(4) === 0) return `(${type}.const ${number})`;
    if (type === 'v128' && this.below(8) === 0) return `(v128.const i32x4 ${number} 1 -1 ${number})`;
    if (this.below(8) === 0) return widened(type, `(local.get ${this.pick(LOCALS.i32)})`);
    return `(local.get ${this.pick(LOCALS[type])})`;
  }

  /** A call or a tail call, direct or through the table. */
  private call(op: 'call' | 'return_call', a: Expr, b: Expr): Expr {
    const callee = this.below(FUNCTIONS);
    const others = PARAMS[callee % 2].slice(2).map((local) => this.argument(typeOf(local)));
    const args = (form: Form) => `${a(form)} ${b(form)} ${others.join(' ')}`;
    const way = this.below(3);
    if (way === 0) return (form) => `(${op} $f${callee} ${args(form)})`;
    if (way === 1)
      return (form) => `(${op}_indirect $references (type $type${callee % 2}) ${args(form)} (i32.const ${callee}))`;
    const index = `(i32.add (i32.shl (i32.and (local.get ${this.pick(LOCALS.i32)}) (i32.const 1)) (i32.const 1)) (i32.const ${callee % 2}))`;
    return (form) => `(${op}_indirect $table (type $type${callee % 2}) ${args(form)} ${index})`;
  }

  private table(value: Expr, index: Expr, { labels }: Scope): Expr {
    if (labels.length === 0) return (form) => `(return ${value(form)})`;
    const targets = Array.from({ length: 1 + this.below(4) }, () => this.pick(labels));
    return (form) => `(br_table ${targets.join(' ')} ${value(form)} ${index(form)})`;
  }

  /** Operands of every type stay below an expression that may leave and come back. */
  private kept(depth: number, scope: Scope): Expr {
    const [v, x, l] = (['v128', 'f64', 'i64'] as const).map((type) => this.argument(type));
    const [low, high] = [this.leaf(), this.expr(depth - 1, scope)];
    const lane = this.below(4);
    return (form) => `(i32.add (i32x4.extract_lane ${lane} (i32x4.add ${v} (i32x4.splat
      (i32.trunc_sat_f64_s (f64.add ${x} (f64.convert_i64_s (i64.xor ${l} (i64.extend_i32_s (i32.sub ${low(form)} ${high(form)}))))))))) (i32.const 1))`;
  }

  /** select of vectors. */
  private choice(a: Expr, b: Expr, cond: Expr): Expr {
    const local = this.pick(LOCALS.v128);
    return (
      form,
    ) => `(i32x4.extract_lane 1 (select (i32x4.splat ${a(form)}) (i32x4.add (local.get ${local}) (i32x4.splat ${b(form)}))
      (i32.lt_s ${cond(form)} (local.get ${LOCALS.i32[0]}))))`;
  }

  /** An expression that leaves, most often only under a condition. */
  private sometimes(leaving: Expr, other: Expr): Expr {
    if (this.below(4) === 0) return leaving;
    const [local, number] = [this.pick(LOCALS.i32), this.below(3)];
    return (form) => `(if (result i32) (i32.eq (i32.and (local.get ${local}) (i32.const 3)) (i32.const ${number}))
      (then ${leaving(form)}) (else ${other(form)}))`;
  }

  /** What has been caught is thrown again. */
  private again({ caught }: Scope): Expr | undefined {
    if (caught.length === 0) return undefined;
    const name = this.pick(caught);
    return (form) => (form === 'legacy' ? `(rethrow ${name})` : `(throw_ref (local.get ${name}_e))`);
  }

  private binary(op: string, left: Expr, right: Expr): Expr {
    return (form) => `(${op} ${left(form)} ${right(form)})`;
  }

  /** Some local of some type gets a value, then another value is the result. */
  private set(value: Expr, then: Expr): Expr {
    const type = this.pick(['i32', 'i32', 'i64', 'f64', 'v128'] as const);
    const local = this.pick(LOCALS[type]);
    return (form) => `(block (result i32) (local.set ${local} ${widened(type, value(form))}) ${then(form)})`;
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
    const args = (form: Form) => types.map((type, i) => widened(type, (i % 2 === 0 ? a : b)(form)));
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
      .map((type) => `(local.set ${this.pick(LOCALS[type])})`)
      .join(' ');
  }
}

/** A number that depends on every local. */
function allLocals(): string {
  return ALL_LOCALS.map((local) => {
    const value = `(local.get ${local})`;
    switch (typeOf(local)) {
      case 'i32':
        return value;
      case 'i64':
        return `(i32.wrap_i64 ${value})`;
      case 'f64':
        return `(i32.trunc_sat_f64_s ${value})`;
      default:
        return `(i32.add (i32x4.extract_lane 0 ${value}) (i32x4.extract_lane 3 ${value}))`;
    }
  }).reduce((sum, value) => `(i32.add (i32.mul ${sum} (i32.const 31)) ${value})`);
}

/** Calls a function with two numbers, and zeros for other parameters. */
function entry(index: number): string {
  const others = PARAMS[index % 2].slice(2).map((local) => widened(typeOf(local), '(local.get $b)'));
  return `(func $e${index} (export "f${index}") (param $a i32) (param $b i32) (result i32)
    (call $f${index} (local.get $a) (local.get $b) ${others.join(' ')}))`;
}

/** Adds up what the functions give, or the number of those that throw. */
function start(): string {
  const calls = Array.from({ length: FUNCTIONS }, (_, i) => {
    const call = `(call $e${i} (i32.const ${i}) (local.get $sum))`;
    return `(global.set $fuel (i32.const 40))
      (local.set $sum (try (result i32) (do (i32.add (i32.mul (local.get $sum) (i32.const 31)) ${call}))
        (catch_all (i32.add (local.get $sum) (i32.const 1)))))`;
  });
  return `(memory (export "memory") 1) (func (export "_start") (local $sum i32) ${calls.join('\n')}
    (call $exit (i32.and (local.get $sum) (i32.const 127))))`;
}
