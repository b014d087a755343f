/**
 * Writes components, one definition a section: each method returns the index that the definition has in its index
 * space. Component model, Binary.md.
 */

import { CORE, Sort } from '../../src/wasm/component/definitions.js';
import { WasmWriter } from '../fuzz/wasm-writer.js';

export type Part = readonly [name: string, sort: Sort, index: number];

export class ComponentWriter {
  private readonly writer = new WasmWriter();
  private readonly counts = new Map<Sort, number>();

  constructor() {
    this.writer.byte(0, 0x61, 0x73, 0x6d, 13, 0, 1, 0);
  }

  get bytes(): Uint8Array {
    return this.writer.bytes.slice();
  }

  /** A section of any id and contents, which defines nothing that is counted. */
  raw(id: number, ...bytes: number[]): void {
    this.writer.section(id, (to) => to.byte(...bytes));
  }

  coreModule(bytes: Uint8Array): number {
    this.writer.section(1, (to) => to.append(bytes));
    return this.next(Sort.CoreModule);
  }

  component(inner: ComponentWriter): number {
    this.writer.section(4, (to) => to.append(inner.bytes));
    return this.next(Sort.Component);
  }

  coreInstance(module: number, args: Readonly<Record<string, number>> = {}): number {
    return this.one(2, Sort.CoreInstance, (to) => {
      to.byte(0);
      to.u32(module);
      parts(
        to,
        Object.entries(args).map(([name, index]) => [name, Sort.CoreInstance, index]),
        true,
      );
    });
  }

  coreExports(...exports: readonly Part[]): number {
    return this.one(2, Sort.CoreInstance, (to) => {
      to.byte(1);
      parts(to, exports, true);
    });
  }

  instance(component: number, args: readonly Part[] = []): number {
    return this.one(5, Sort.Instance, (to) => {
      to.byte(0);
      to.u32(component);
      parts(to, args, false);
    });
  }

  exports(...exports: readonly Part[]): number {
    return this.one(5, Sort.Instance, (to) => {
      to.byte(1);
      to.u32(exports.length);
      for (const [name, sort, index] of exports) {
        to.byte(0);
        part(to, [name, sort, index], false);
      }
    });
  }

  coreAlias(sort: Sort, instance: number, name: string): number {
    return this.one(6, sort, (to) => {
      writeSort(to, sort);
      to.byte(1);
      to.u32(instance);
      to.name(name);
    });
  }

  alias(sort: Sort, instance: number, name: string): number {
    return this.one(6, sort, (to) => {
      writeSort(to, sort);
      to.byte(0);
      to.u32(instance);
      to.name(name);
    });
  }

  outer(sort: Sort, count: number, index: number): number {
    return this.one(6, sort, (to) => {
      writeSort(to, sort);
      to.byte(2);
      to.u32(count);
      to.u32(index);
    });
  }

  type(...bytes: number[]): number {
    return this.one(7, Sort.Type, (to) => to.byte(...bytes));
  }

  lower(func: number): number {
    return this.one(8, Sort.CoreFunc, (to) => {
      to.byte(1, 0);
      to.u32(func);
      to.byte(0);
    });
  }

  lift(func: number, type: number, postReturn?: number): number {
    return this.one(8, Sort.Func, (to) => {
      to.byte(0, 0);
      to.u32(func);
      to.byte(postReturn === undefined ? 0 : 1);
      if (postReturn !== undefined) {
        to.byte(5);
        to.u32(postReturn);
      }
      to.u32(type);
    });
  }

  /** @param bytes what it is: a form and an index */
  import(name: string, sort: Sort, ...bytes: number[]): number {
    return this.one(10, sort, (to) => {
      to.byte(0);
      to.name(name);
      to.byte(...bytes);
    });
  }

  export(name: string, sort: Sort, index: number): number {
    return this.one(11, sort, (to) => {
      to.byte(0);
      part(to, [name, sort, index], false);
      to.byte(0);
    });
  }

  private one(id: number, sort: Sort, write: (to: WasmWriter) => void): number {
    this.writer.list(id, [0], write);
    return this.next(sort);
  }

  private next(sort: Sort): number {
    const index = this.counts.get(sort) ?? 0;
    this.counts.set(sort, index + 1);
    return index;
  }
}

function parts(to: WasmWriter, list: readonly Part[], isCore: boolean): void {
  to.u32(list.length);
  for (const entry of list) part(to, entry, isCore);
}

function part(to: WasmWriter, [name, sort, index]: Part, isCore: boolean): void {
  to.name(name);
  if (isCore) to.byte(sort - CORE);
  else writeSort(to, sort);
  to.u32(index);
}

function writeSort(to: WasmWriter, sort: Sort): void {
  if (sort >= CORE) to.byte(0, sort - CORE);
  else to.byte(sort);
}
