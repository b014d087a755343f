/** The interfaces of WASI 0.2 in V8, between a preview 1 and a component of the test's own. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadInterfaces } from '../../../src/api/interfaces.js';
import { ValType } from '../../../src/wasm/module.js';

declare const WebAssembly: {
  readonly Module: { new (bytes: Uint8Array): unknown; imports(module: unknown): readonly { readonly name: string }[] };
  readonly Instance: new (module: unknown, imports: unknown) => { readonly exports: Record<string, unknown> };
  readonly RuntimeError: new (message: string) => Error;
};

/** What V8 throws for a trap. */
export const { RuntimeError } = WebAssembly;

type Preview1 = Readonly<Record<string, (...args: never[]) => number>>;

/** Where the component has its return area, and what realloc gives. */
export const RETURNED = 64;
const HEAP = 1024;

const wasm = new WebAssembly.Module(readFileSync(join(import.meta.dirname, '../../../dist/runtime/interfaces.wasm')));

export class ServedComponent {
  /** Of the component: a page. */
  readonly memory = new Uint8Array(65536);
  /** Its realloc gives what is not aligned. */
  misaligns = false;
  private heap = HEAP;
  private readonly exports: Record<string, unknown>;

  /** @param preview1 what it has; other functions of it fail the test */
  constructor(preview1: Preview1) {
    const component = {
      to_component: (to: number, from: number, length: number) =>
        this.range(to, length).set(this.own.subarray(from, from + length)),
      from_component: (to: number, from: number, length: number) => this.own.set(this.range(from, length), to),
      allocate: (alignment: number, size: number) => {
        const at = Math.ceil(this.heap / alignment) * alignment;
        this.heap = at + size;
        return this.misaligns && alignment > 1 ? at + 1 : at;
      },
    };
    const absent = (name: string) => () => {
      throw new Error(`calls ${name}`);
    };
    const names = WebAssembly.Module.imports(wasm).map(({ name }) => name);
    const functions = Object.fromEntries(names.map((name) => [name, preview1[name] ?? absent(name)]));
    const imports = { component, wasi_snapshot_preview1: functions };
    this.exports = new WebAssembly.Instance(wasm, imports).exports;
  }

  /** Of the interfaces. */
  get own(): Uint8Array {
    return new Uint8Array((this.exports.memory as { readonly buffer: ArrayBuffer }).buffer);
  }

  get view(): DataView {
    return new DataView((this.exports.memory as { readonly buffer: ArrayBuffer }).buffer);
  }

  /** Calls a function, whose last parameters are 0 when they are not given. */
  call(name: string, ...args: readonly number[]): number {
    const { exports, types, funcTypes } = loadInterfaces();
    const { index } = exports.find((entry) => entry.name === name)!;
    const given = Array.from(types[funcTypes[index]].params, (type, i) =>
      type === ValType.I64 ? BigInt(args[i] ?? 0) : (args[i] ?? 0),
    );
    return (this.exports[name] as (...given: unknown[]) => number)(...given);
  }

  /** The same, with the return area as the last argument. @returns what is there */
  get(name: string, length: number, ...args: readonly number[]): number[] {
    this.call(name, ...args, RETURNED);
    return [...this.memory.subarray(RETURNED, RETURNED + length)];
  }

  /** Puts bytes in the component's memory. @returns where, and how many */
  put(bytes: Uint8Array): readonly [number, number] {
    this.memory.set(bytes, 512);
    return [512, bytes.length];
  }

  /** As memory.copy has it: in bounds, or a trap. */
  private range(at: number, length: number): Uint8Array {
    const start = at >>> 0;
    if (start + length > this.memory.length) throw new RuntimeError('out of bounds');
    return this.memory.subarray(start, start + length);
  }
}
