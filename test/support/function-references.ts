/**
 * Modules with typed function references as bytes, in the encoding of the specification or in the one that the V8 at
 * hand has, which is an older one in Node.js 20: wabt knows neither.
 *
 * Is a small writer, not an assembler: numbers are below 64, so that one byte is a LEB128 number of either sign.
 */

import { setFlagsFromString } from 'node:v8';
import { WasmWriter } from '../fuzz/wasm-writer.js';

setFlagsFromString('--experimental-wasm-typed-funcref');
setFlagsFromString('--experimental-wasm-gc'); // br_on_non_null; equal types of different modules

export interface Encoding {
  readonly ref: number;
  readonly refNull: number;
  readonly asNonNull: number;
  readonly brOnNull: number;
  readonly brOnNonNull: number;
  /** What begins a recursive group, and a final type with a supertype. */
  readonly rec: number;
  readonly final: number;
  /** Casts have other codes, and the short form of a type is an open type. */
  readonly isOlder: boolean;
  readonly noFunc: number;
}

export const STANDARD: Encoding = {
  ref: 0x64,
  refNull: 0x63,
  asNonNull: 0xd4,
  brOnNull: 0xd5,
  brOnNonNull: 0xd6,
  rec: 0x4e,
  final: 0x4f,
  isOlder: false,
  noFunc: 0x73,
};
const OLDER: Encoding = {
  ref: 0x6b,
  refNull: 0x6c,
  asNonNull: 0xd3,
  brOnNull: 0xd4,
  brOnNonNull: 0xd6,
  rec: 0x4f,
  final: 0x4e,
  isOlder: true,
  noFunc: 0x68,
};

export const I32 = 0x7f;
export const I64 = 0x7e;
export const FUNC = 0x70;
export const EXTERN = 0x6f;

export type Bytes = readonly (number | Bytes)[];

export interface Parts {
  /** Parameters and results of each type. */
  readonly types: readonly (readonly [params: readonly Bytes[], results: readonly Bytes[]])[];
  /** Functions only. */
  readonly imports?: readonly (readonly [module: string, name: string, type: number])[];
  /** Type of each function, local declarations (count and type), instructions without the last end. */
  readonly functions?: readonly {
    readonly type: number;
    readonly locals?: readonly (readonly [number, Bytes])[];
    readonly code: Bytes;
  }[];
  /** Element type and limits, or with an initialiser the bytes of the whole entry. */
  readonly tables?: readonly Bytes[];
  readonly memory?: boolean;
  /** Type, mutability and initialiser with its end. */
  readonly globals?: readonly Bytes[];
  /** Function indices. */
  readonly exports?: Readonly<Record<string, number>>;
  readonly elements?: readonly Bytes[];
  readonly data?: readonly (readonly [offset: number, text: string])[];
}

declare const WebAssembly: { validate(bytes: Uint8Array): boolean };

const takesReference = ({ refNull }: Encoding) => moduleOf({ types: [[[[refNull, FUNC]], []]] });
export const OF_V8 = WebAssembly.validate(takesReference(STANDARD)) ? STANDARD : OLDER;

export function moduleOf(parts: Parts): Uint8Array {
  const {
    types,
    imports = [],
    functions = [],
    tables = [],
    globals = [],
    exports = {},
    elements = [],
    data = [],
  } = parts;
  const to = new WasmWriter();
  const bytes = (section: WasmWriter, content: Bytes) => section.byte(...flat(content));
  to.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  to.list(1, types, (section, [params, results]) => {
    bytes(section, [0x60, params.length, ...params, results.length, ...results]);
  });
  to.list(2, imports, (section, [module, name, type]) => {
    section.name(module);
    section.name(name);
    section.byte(0, type);
  });
  to.list(3, functions, (section, { type }) => section.byte(type));
  to.list(4, tables, bytes);
  to.list(5, parts.memory ? [[0, 1]] : [], bytes);
  to.list(6, globals, bytes);
  const exported = Object.entries(exports).map(([name, index]) => ({ name, kind: 0, index }));
  if (parts.memory) exported.push({ name: 'memory', kind: 2, index: 0 });
  to.list(7, exported, (section, { name, kind, index }) => {
    section.name(name);
    section.byte(kind, index);
  });
  to.list(9, elements, bytes);
  to.list(10, functions, (section, { locals = [], code }) => {
    section.sized((body) => bytes(body, [locals.length, ...locals, code, 0x0b]));
  });
  to.list(11, data, (section, [offset, text]) => {
    bytes(section, [0, 0x41, offset, 0x0b]);
    section.name(text);
  });
  return to.bytes.slice();
}

export function flat(bytes: Bytes): number[] {
  return bytes.flatMap((byte) => (typeof byte === 'number' ? [byte] : flat(byte)));
}
