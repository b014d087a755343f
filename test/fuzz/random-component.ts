/**
 * Random command components: a program that calls WASI 0.2 with random arguments, by functions that are lowered with
 * one of several memories and reallocs, and writes down what it gets (component-report.ts).
 *
 *     main --calls--> lowered functions --write to--> memories of other core instances
 *
 * What it writes to stdout depends on values alone, not on where they lie.
 */

import type { Choices } from './choices.js';
import { KINDS, layoutOf, ReportWriter, type Type } from './component-report.js';
import { FUNCTIONS, INTERFACES, type Param, type WasiFunction } from './wasi-functions.js';

/** Paths below the folder that the program has, and texts that are no path there. */
export const PATHS = ['a.txt', 'dir', 'dir/b.txt', 'none', 'new.txt', 'dir/\u00e9\u{1f600}.txt', 'link', 'a.txt/x', ''];
const BYTES = ['', 'x', 'some text\n', 'wide \u{1f600}\u00e9\0', 'y'.repeat(3000)];

/** Where things lie in each memory: texts, what functions return, the report, and what is allocated. */
const [TEXTS, RETURNED, REPORT, HEAP] = [1024, 16384, 32768, 65536];
const REPORT_SIZE = 4096;
const SLOTS = 2;
/** Resources that may go while others are there that were made of them. */
const DROPPED = {
  pollable: 'io/poll',
  input: 'io/streams',
  output: 'io/streams',
  descriptor: 'filesystem/types',
} as const;
const RESOURCE_NAMES = {
  pollable: 'pollable',
  input: 'input-stream',
  output: 'output-stream',
  descriptor: 'descriptor',
};

export function randomComponent(choices: Choices): string {
  return new RandomComponent(choices).text();
}

class RandomComponent {
  private readonly report = new ReportWriter();
  private readonly memories: number;
  private readonly version: string;
  /** Lowered functions that main imports: name and text of the type, by the text that lowers it. */
  private readonly lowered = new Map<string, { readonly name: string; readonly type: string }>();
  private readonly texts = new Map<string, number>();
  private textEnd = TEXTS;

  constructor(private readonly choices: Choices) {
    this.memories = 1 + choices.next(3);
    this.version = `0.2.${choices.next(13)}`;
  }

  text(): string {
    const steps: string[] = [];
    for (let n = 3 + this.choices.small(40); n > 0; n--) {
      steps.push(this.choices.oneIn(9) ? this.drop() : this.call(this.choices.pick(FUNCTIONS)));
      if (this.choices.oneIn(4)) steps.push('(call $flush)');
    }
    const end = this.end();
    const main = this.main(steps, end);
    return `(component
  ${INTERFACES.map((one) => this.interface(one)).join('\n  ')}
  ${this.memoryModule()}
  ${this.memoryInstances()}
  ${[...this.lowered].map(([lower, { name }]) => `(core func $${name} ${lower})`).join('\n  ')}
  ${main}
  (core instance $functions ${[...this.lowered.values()].map(({ name }) => `(export "${name}" (func $${name}))`).join(' ')})
  (core instance $main (instantiate $program (with "f" (instance $functions))
    ${this.each((m) => `(with "m${m}" (instance $m${m}))`)}))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@${this.version}" (instance $exported)))`;
  }

  private each(write: (m: number) => string): string {
    return Array.from({ length: this.memories }, (_, m) => write(m)).join(' ');
  }

  private interface({ name, resources, uses, types = {} }: (typeof INTERFACES)[number]): string {
    const functions = FUNCTIONS_AND_ENDS.filter((one) => one.interface === name);
    const exported = [
      ...uses.map(
        (use) => `(alias outer 1 $${use} (type $outer-${use})) (export "${use}" (type $${use} (eq $outer-${use})))`,
      ),
      ...resources.map((resource) => `(export "${resource}" (type $${resource} (sub resource)))`),
      ...Object.entries(types).map(
        ([type, text]) => `(type $own-${type} ${text}) (export "${type}" (type $${type} (eq $own-${type})))`,
      ),
      ...functions.map((one) => `(export "${one.name}" (func ${one.type}))`),
    ];
    return `(import "wasi:${name}@${this.version}" (instance $${name} ${exported.join('\n    ')}))
  ${resources.map((resource) => `(alias export $${name} "${resource}" (type $${resource}))`).join(' ')}
  ${functions.map((one) => `(alias export $${name} "${one.name}" (func ${idOf(one)}))`).join('\n  ')}`;
  }

  private memoryModule(): string {
    const texts = [...this.texts].map(([text, at]) => `(data (i32.const ${at}) "${escaped(text)}")`).join(' ');
    const realloc = (
      name: string,
      pad: number,
    ) => `(func (export "${name}") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (if (i32.or (local.get 0) (local.get 1)) (then unreachable))
      (global.set $${name} (i32.add (global.get $${name}) (local.get 3)))
      (local.set $at (i32.and (i32.add (i32.add (global.get $top) (i32.const ${pad})) (i32.sub (local.get 2) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get 2))))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (block $done (loop $next
        (br_if $done (i32.ge_u (i32.mul (memory.size) (i32.const 65536)) (global.get $top)))
        (br_if $next (i32.gt_s (memory.grow (i32.const 1)) (i32.const 0)))
        unreachable))
      (local.get $at))`;
    return `(core module $memory (memory (export "memory") 1) (global $top (mut i32) (i32.const ${HEAP + this.choices.next(100)}))
    (global $a (mut i32) (i32.const 0)) (global $b (mut i32) (i32.const 0))
    ${realloc('a', 0)} ${realloc('b', this.choices.next(40))}
    (func (export "allocated") (param i32) (result i32) (select (global.get $a) (global.get $b) (local.get 0)))
    (func (export "load8") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "load32") (param i32) (result i32) (i32.load align=1 (local.get 0)))
    (func (export "load64") (param i32) (result i64) (i64.load align=1 (local.get 0)))
    (func (export "store8") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    ${texts})`;
  }

  private memoryInstances(): string {
    return this.each(
      (m) => `(core instance $m${m} (instantiate $memory))
  (alias core export $m${m} "memory" (core memory $memory${m}))
  (alias core export $m${m} "a" (core func $a${m})) (alias core export $m${m} "b" (core func $b${m}))`,
    );
  }

  private main(steps: readonly string[], end: string): string {
    const loads = (name: string, type: string) => `(func $${name} (param $m i32) (param $at i32) (result ${type})
      ${this.each((m) => `(if (i32.eq (local.get $m) (i32.const ${m})) (then (return (call $${name}_${m} (local.get $at)))))`)} unreachable)`;
    const flush = this.lower(FLUSH, 0, 'a');
    const stdout = this.lower(STDOUT, 0, 'a');
    const imports = [...this.lowered.values()].map(
      ({ name, type }) => `(import "f" "${name}" (func $${name} ${type}))`,
    );
    const ofMemory = (m: number) => `(import "m${m}" "load8" (func $load8_${m} (param i32) (result i32)))
    (import "m${m}" "load32" (func $load32_${m} (param i32) (result i32)))
    (import "m${m}" "load64" (func $load64_${m} (param i32) (result i64)))
    (import "m${m}" "store8" (func $store8_${m} (param i32 i32)))
    (import "m${m}" "allocated" (func $allocated_${m} (param i32) (result i32)))`;
    const slots = KINDS.flatMap((kind) =>
      ['', ...Array.from({ length: SLOTS }, (_, i) => `_${i}`)].map(
        (slot) => `(global $${kind}${slot} (mut i32) (i32.const 0))`,
      ),
    );
    return `(core module $program ${imports.join('\n    ')}
    ${this.each(ofMemory)}
    ${slots.join(' ')}
    (global $stdout (mut i32) (i32.const 0)) (global $used (mut i32) (i32.const 0))
    (func $flush
      (if (i32.eqz (global.get $stdout)) (then (global.set $stdout (call $${stdout}))))
      (call $${flush} (global.get $stdout) (i32.const ${REPORT}) (global.get $used) (i32.const ${RETURNED}))
      (global.set $used (i32.const 0)))
    (func $out (param i32)
      (call $store8_0 (i32.add (i32.const ${REPORT}) (global.get $used)) (local.get 0))
      (global.set $used (i32.add (global.get $used) (i32.const 1)))
      (if (i32.eq (global.get $used) (i32.const ${REPORT_SIZE})) (then (call $flush))))
    (func $out32 (param i32)
      ${[0, 8, 16, 24].map((shift) => `(call $out (i32.shr_u (local.get 0) (i32.const ${shift})))`).join(' ')})
    ${loads('load8', 'i32')} ${loads('load32', 'i32')} ${loads('load64', 'i64')}
    ${this.report.text}
    (func (export "run") (result i32) (local $x i32)
      ${steps.join('\n      ')}
      ${this.each((m) => `(call $out32 (call $allocated_${m} (i32.const 0))) (call $out32 (call $allocated_${m} (i32.const 1)))`)}
      (call $flush)
      ${end}))`;
  }

  /** The name of a function that is lowered with a memory and a realloc. */
  private lower(of: WasiFunction, memory: number, realloc: string): string {
    const text = `(canon lower (func ${idOf(of)}) (memory $memory${memory}) (realloc (core func $${realloc}${memory})))`;
    return this.lowering(text, coreType(of));
  }

  private lowering(text: string, type: string): string {
    const known = this.lowered.get(text);
    if (known !== undefined) return known.name;
    const name = `f${this.lowered.size}`;
    this.lowered.set(text, { name, type });
    return name;
  }

  /** A call whose result is reported; none when a handle that it needs is not there. */
  private call(of: WasiFunction): string {
    const { choices } = this;
    const memory = choices.next(this.memories);
    const name = this.lower(of, memory, choices.pick(['a', 'b']));
    const needed: string[] = [];
    const before: string[] = [];
    const args = of.params.flatMap((param) => this.argument(param, memory, needed, before));
    const { result: gives } = of;
    const isFlat = gives !== undefined && isFlatResult(gives);
    const { alignment = 1 } = gives === undefined || isFlat ? {} : layoutOf(gives);
    const returned = RETURNED + alignment * choices.next(64);
    if (gives !== undefined && !isFlat) args.push(`(i32.const ${returned})`);
    const call = `(call $${name} ${args.join(' ')})`;
    const reported =
      gives === undefined
        ? call
        : isFlat
          ? flatReport(gives, call)
          : `${call} (call ${this.report.of(gives)} (i32.const ${memory}) (i32.const ${returned}))`;
    const kept = KINDS.map((kind) => {
      const slot = `$${kind}_${choices.next(SLOTS)}`;
      return `(if (global.get $${kind}) (then (global.set ${slot} (global.get $${kind})) (global.set $${kind} (i32.const 0))))`;
    });
    const body = `${before.join(' ')} ${reported} ${kept.join(' ')}`;
    const conditions = needed.map((slot) => `(i32.ne (global.get ${slot}) (i32.const 0))`);
    const all = conditions.reduce((a, b) => (a === '' ? b : `(i32.and ${a} ${b})`), '');
    return all === '' ? body : `(if ${all} (then ${body}) (else (call $out (i32.const 115))))`;
  }

  private argument(param: Param, memory: number, needed: string[], before: string[]): string[] {
    const { choices } = this;
    const slot = (kind: string) => {
      const name = `$${kind}_${choices.next(SLOTS)}`;
      needed.push(name);
      return `(global.get ${name})`;
    };
    if ('handle' in param) return [slot(param.handle)];
    if ('number' in param) return [`(${param.number}.const ${choices.pick(param.values)})`];
    if ('text' in param) {
      const text = choices.pick(param.text === 'path' ? PATHS : BYTES);
      return [`(i32.const ${this.textAt(text)})`, `(i32.const ${Buffer.byteLength(text)})`];
    }
    const [count, at] = [1 + choices.next(3), RETURNED + 2048];
    for (let i = 0; i < count; i++) {
      before.push(`(local.set $x ${slot(param.handles)})`);
      for (let byte = 0; byte < 4; byte++)
        before.push(
          `(call $store8_${memory} (i32.const ${at + 4 * i + byte}) (i32.shr_u (local.get $x) (i32.const ${8 * byte})))`,
        );
    }
    return [`(i32.const ${at})`, `(i32.const ${count})`];
  }

  private textAt(text: string): number {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    const at = this.textEnd + this.choices.next(4);
    this.texts.set(text, at);
    this.textEnd = at + Buffer.byteLength(text);
    return at;
  }

  private drop(): string {
    const kind = this.choices.pick(Object.keys(DROPPED) as (keyof typeof DROPPED)[]);
    const name = this.lowering(`(canon resource.drop $${RESOURCE_NAMES[kind]})`, '(param i32)');
    const slot = `$${kind}_${this.choices.next(SLOTS)}`;
    return `(if (global.get ${slot}) (then (call $${name} (global.get ${slot})) (global.set ${slot} (i32.const 0))))`;
  }

  /** Gives an exit code, exits, or traps. */
  private end(): string {
    const { choices } = this;
    const code = choices.next(256);
    const ends = [
      () => `(i32.const ${code & 1})`,
      () => `(call $${this.lower(EXIT_WITH_CODE, 0, 'a')} (i32.const ${code})) (i32.const 0)`,
      () => `(call $${this.lower(EXIT, 0, 'a')} (i32.const ${code & 1})) (i32.const 0)`,
      () => `(call $${this.lower(EXIT, 0, 'a')} (i32.const ${2 + code})) (i32.const 0)`,
      () =>
        `(call $${this.lower(FLUSH, 0, 'a')} (global.get $stdout) (i32.const ${TEXTS}) (i32.const 4097) (i32.const ${RETURNED})) (i32.const 0)`,
      () => '(unreachable)',
    ];
    return choices.pick(ends)();
  }
}

const OTHERS: Record<'EXIT' | 'EXIT_WITH_CODE' | 'STDOUT', WasiFunction> = {
  EXIT: {
    interface: 'cli/exit',
    name: 'exit',
    type: '(param "status" (result))',
    params: [{ number: 'i32', values: [] }],
    result: undefined,
  },
  EXIT_WITH_CODE: {
    interface: 'cli/exit',
    name: 'exit-with-code',
    type: '(param "status-code" u8)',
    params: [{ number: 'i32', values: [] }],
    result: undefined,
  },
  STDOUT: {
    interface: 'cli/stdout',
    name: 'get-stdout',
    type: '(result (own $output-stream))',
    params: [],
    result: { own: 'output' },
  },
};
const { EXIT, EXIT_WITH_CODE, STDOUT } = OTHERS;
const FLUSH = FUNCTIONS.find(({ name }) => name === '[method]output-stream.blocking-write-and-flush')!;
const FUNCTIONS_AND_ENDS = [...FUNCTIONS, ...Object.values(OTHERS)];

function idOf(of: WasiFunction): string {
  return `$f${FUNCTIONS_AND_ENDS.indexOf(of)}`;
}

function isFlatResult(type: Type): boolean {
  return type === 'byte' || (typeof type === 'object' && 'own' in type);
}

function flatReport(type: Type, call: string): string {
  if (type === 'byte') return `(call $out ${call})`;
  return `(global.set $${(type as { own: string }).own} ${call}) (call $out (i32.const 104))`;
}

/** Of the lowered function. */
function coreType({ params, result: gives }: WasiFunction): string {
  const flat = params.flatMap((param) =>
    'number' in param ? [param.number] : 'handle' in param ? ['i32'] : ['i32', 'i32'],
  );
  if (gives === undefined) return `(param ${flat.join(' ')})`;
  if (isFlatResult(gives)) return `(param ${flat.join(' ')}) (result i32)`;
  return `(param ${[...flat, 'i32'].join(' ')})`;
}

function escaped(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
}
