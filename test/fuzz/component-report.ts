/**
 * Text of functions that report a value: they read it where the canonical ABI has it in a memory, and write it down in
 * one form wherever its parts lie. Component Model, CanonicalABI.md, "Alignment" and "Element Size".
 */

/** Resources whose handles programs keep. */
export const KINDS = ['input', 'output', 'pollable', 'descriptor', 'entries', 'error'] as const;
export type Kind = (typeof KINDS)[number];

/** Enums and flags of up to eight names are bytes. */
export type Type =
  | 'byte'
  | 'u32'
  | 'u64'
  | 'string'
  | { readonly own: Kind }
  | { readonly list: Type }
  | { readonly fields: readonly Type[] }
  | { readonly cases: readonly (Type | undefined)[] }
  /** Is there, but differs from run to run. */
  | { readonly hidden: Type };

export function option(type: Type): Type {
  return { cases: [undefined, type] };
}

export function result(ok: Type | undefined, error: Type | undefined): Type {
  return { cases: [ok, error] };
}

interface Layout {
  readonly size: number;
  readonly alignment: number;
}

function up(at: number, alignment: number): number {
  return Math.ceil(at / alignment) * alignment;
}

export function layoutOf(type: Type): Layout {
  if (type === 'byte') return { size: 1, alignment: 1 };
  if (type === 'u32') return { size: 4, alignment: 4 };
  if (type === 'u64') return { size: 8, alignment: 8 };
  if (type === 'string' || 'list' in type) return { size: 8, alignment: 4 };
  if ('hidden' in type) return layoutOf(type.hidden);
  if ('own' in type) return { size: 4, alignment: 4 };
  if ('fields' in type) {
    const alignment = Math.max(1, ...type.fields.map((field) => layoutOf(field).alignment));
    const end = offsetsOf(type.fields).end;
    return { size: up(end, alignment), alignment };
  }
  const { payload, size } = casesOf(type.cases);
  const alignment = Math.max(1, payload);
  return { size: up(payload + size, alignment), alignment };
}

function offsetsOf(fields: readonly Type[]): { offsets: readonly number[]; end: number } {
  let end = 0;
  const offsets = fields.map((field) => {
    const { size, alignment } = layoutOf(field);
    const at = up(end, alignment);
    end = at + size;
    return at;
  });
  return { offsets, end };
}

/** Where the payload is, after a discriminant of one byte, and the most that it has. */
function casesOf(cases: readonly (Type | undefined)[]): { payload: number; size: number } {
  const layouts = cases.flatMap((one) => (one === undefined ? [] : [layoutOf(one)]));
  const payload = Math.max(1, ...layouts.map(({ alignment }) => alignment));
  return { payload, size: Math.max(0, ...layouts.map(({ size }) => size)) };
}

/**
 * The functions, of (memory, address). What they need: $load8, $load32 and $load64 of the same, $out of a byte, and a
 * global $kind for each of KINDS, where the last handle stays.
 */
export class ReportWriter {
  private readonly names = new Map<string, string>();
  private readonly functions: string[] = [];

  get text(): string {
    return this.functions.join('\n');
  }

  /** The name of a type's function. */
  of(type: Type): string {
    const key = JSON.stringify(type);
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const name = `$show_${this.names.size}`;
    this.names.set(key, name);
    const body = this.body(type);
    this.functions.push(`(func ${name} (param $m i32) (param $at i32) (local $n i32) (local $p i32) ${body})`);
    return name;
  }

  private body(type: Type): string {
    const at = (offset: number) => `(local.get $m) (i32.add (local.get $at) (i32.const ${offset}))`;
    if (typeof type === 'object' && 'hidden' in type) return '';
    if (type === 'byte') return `(call $out (call $load8 ${at(0)}))`;
    if (type === 'u32') return `(call $out32 (call $load32 ${at(0)}))`;
    if (type === 'u64')
      return `(call $out32 (i32.wrap_i64 (call $load64 ${at(0)})))
        (call $out32 (i32.wrap_i64 (i64.shr_u (call $load64 ${at(0)}) (i64.const 32))))`;
    if (type === 'string') return this.body({ list: 'byte' });
    if ('own' in type) return `(global.set $${type.own} (call $load32 ${at(0)})) (call $out (i32.const 104))`;
    if ('fields' in type) {
      const { offsets } = offsetsOf(type.fields);
      return type.fields.map((field, i) => `(call ${this.of(field)} ${at(offsets[i]!)})`).join(' ');
    }
    if ('list' in type) {
      const { size } = layoutOf(type.list);
      return `(local.set $p (call $load32 ${at(0)})) (local.set $n (call $load32 ${at(4)})) (call $out32 (local.get $n))
        (block $done (loop $next
          (br_if $done (i32.eqz (local.get $n)))
          (call ${this.of(type.list)} (local.get $m) (local.get $p))
          (local.set $p (i32.add (local.get $p) (i32.const ${size})))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br $next)))`;
    }
    const { payload } = casesOf(type.cases);
    const cases = type.cases.map((one, i) =>
      one === undefined
        ? ''
        : `(if (i32.eq (local.get $n) (i32.const ${i})) (then (call ${this.of(one)} ${at(payload)})))`,
    );
    return `(local.set $n (call $load8 ${at(0)})) (call $out (local.get $n)) ${cases.join(' ')}`;
  }
}
