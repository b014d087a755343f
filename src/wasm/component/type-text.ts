/**
 * Types as text: two of the same text are the same type. Parameters have no names in it, as hosts look at their types
 * only. Some types of WASI 0.2 have a name (NAMED), so that messages can be read.
 */

import { TypeMemo } from './type-memo.js';
import { type ResolvedType, referred } from './type-space.js';
import type { FunctionType, ValueType } from './types.js';
import { NAMED, RESOURCES } from './wasi-types.js';

/** Longer text is cut off: a small component can have huge types, which are none of WASI's. */
const MAX_TEXT = 2000;

/** Of types that are no value, which nothing compares. */
const OTHER = 'no value';

export class TypeText {
  private readonly texts: TypeMemo<string>;

  constructor(file: string) {
    this.texts = new TypeMemo(file, (type) => this.write(type));
  }

  /** `(u32, list<u8>) -> string`. @throws ModuleError 'invalid' for an index that no type has, LimitError */
  of(type: ResolvedType): string {
    return this.texts.of(type);
  }

  private write(from: ResolvedType): string {
    if (from.kind === 'resource') return RESOURCES.get(withoutVersion(from.name)) ?? cut(from.name);
    const text = cut(this.structure(from));
    return NAMED.get(text) ?? text;
  }

  private structure(from: ResolvedType & { kind: 'type' }): string {
    const { type } = from;
    const value = (one: ValueType) => this.value(from, one);
    switch (type.kind) {
      case 'primitive':
        return type.type;
      case 'record':
        return `record {${joined(type.fields, (field) => `${field.name}: ${value(field.type)}`)}}`;
      case 'variant':
        return `variant {${joined(type.cases, (one) => (one.type === undefined ? one.name : `${one.name}(${value(one.type)})`))}}`;
      case 'list':
        return type.length === undefined
          ? `list<${value(type.element)}>`
          : `list<${value(type.element)}, ${type.length}>`;
      case 'tuple':
        return `tuple<${joined(type.types, value)}>`;
      case 'flags':
      case 'enum':
        return `${type.kind} {${joined(type.names, (name) => name)}}`;
      case 'option':
        return `option<${value(type.type)}>`;
      case 'result': {
        if (type.error === undefined) return type.ok === undefined ? 'result' : `result<${value(type.ok)}>`;
        return `result<${type.ok === undefined ? '_' : value(type.ok)}, ${value(type.error)}>`;
      }
      case 'own':
      case 'borrow':
        return `${type.kind}<${this.of(referred(from, type.resource))}>`;
      case 'func':
        return this.function(from, type);
      default:
        return OTHER;
    }
  }

  private function(from: ResolvedType & { kind: 'type' }, { params, result }: FunctionType): string {
    const given = `(${joined(params, ({ type }) => this.value(from, type))})`;
    return result === undefined ? given : `${given} -> ${this.value(from, result)}`;
  }

  private value(from: ResolvedType & { kind: 'type' }, type: ValueType): string {
    return typeof type === 'string' ? type : this.of(referred(from, type));
  }
}

/** With commas between them; what is cut off later is not written. */
function joined<T>(parts: readonly T[], write: (part: T) => string): string {
  let text = '';
  for (const [i, part] of parts.entries()) {
    if (text.length > MAX_TEXT) break;
    text += i === 0 ? write(part) : `, ${write(part)}`;
  }
  return text;
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text;
}

/** `wasi:io/error@0.2.3 error`: `io/error error`. */
function withoutVersion(name: string): string {
  return name.replace(/^wasi:([a-z-]+\/[a-z-]+)@0\.2\.\d+ /, '$1 ');
}
