/**
 * A module while it is decoded: the contents of the sections so far, and the Module made from them at the end.
 *
 * The index spaces and their rules are in validate-module.ts; here is the rest, and what must agree between sections.
 */

import { ModuleError } from '../base/errors.js';
import type { DataSegment, ElementSegment, Export, Import, Module, Names } from './module.js';
import { decodeNames } from './names.js';
import { ModuleContext } from './validate-module.js';

export class ModuleParts {
  readonly context: ModuleContext;
  readonly imports: Import[] = [];
  readonly importedFuncTypes: number[] = [];
  importedTableCount = 0;
  importedMemoryCount = 0;
  importedGlobalCount = 0;
  importedTagCount = 0;
  /** How many functions the function section has announced. */
  definedFuncCount = 0;
  readonly exports: Export[] = [];
  start: number | undefined;
  readonly elements: ElementSegment[] = [];
  readonly datas: DataSegment[] = [];
  dataCount: number | undefined;
  bodyStart = new Uint32Array(0);
  bodyEnd = new Uint32Array(0);
  /** The contents of the `name` section. */
  nameSection: { readonly start: number; readonly end: number } | undefined;

  constructor(
    private readonly bytes: Uint8Array,
    readonly file: string,
  ) {
    this.context = new ModuleContext(file);
  }

  /** That the code section has a body for each function (core spec 5.5.16). */
  checkBodyCount(count: number, offset: number): void {
    if (count === this.definedFuncCount) return;
    const counts = `${this.definedFuncCount} and ${count}`;
    throw this.malformed(`function and code section have inconsistent lengths: ${counts}`, offset);
  }

  /** After the last section. */
  finish(): Module {
    const { context, bytes, nameSection } = this;
    this.checkBodyCount(this.bodyStart.length, bytes.length);
    if (this.dataCount !== undefined && this.dataCount !== this.datas.length) {
      const counts = `${this.dataCount} and ${this.datas.length}`;
      throw this.malformed(`data count and data section have inconsistent lengths: ${counts}`, bytes.length);
    }
    const declaredFuncs = new Uint8Array(context.funcTypes.length);
    for (const index of context.declared) declaredFuncs[index] = 1;
    let names: Names | undefined;
    let namesDecoded = false;
    return {
      bytes,
      types: context.types,
      refTypes: context.refTypes,
      imports: this.imports,
      importedFuncCount: this.importedFuncTypes.length,
      funcTypes: context.funcTypes,
      tables: context.tables,
      importedTableCount: this.importedTableCount,
      memories: context.memories,
      importedMemoryCount: this.importedMemoryCount,
      globals: context.globals,
      importedGlobalCount: this.importedGlobalCount,
      tags: Uint32Array.from(context.tags),
      importedTagCount: this.importedTagCount,
      exports: this.exports,
      start: this.start,
      elements: this.elements,
      datas: this.datas,
      dataCount: this.dataCount,
      bodyStart: this.bodyStart,
      bodyEnd: this.bodyEnd,
      declaredFuncs,
      // Decoded on first use: compiling needs no names, and a big module has tens of thousands of them.
      get names() {
        if (!namesDecoded && nameSection !== undefined) {
          names = decodeNames(bytes, nameSection.start, nameSection.end);
        }
        namesDecoded = true;
        return names;
      },
    };
  }

  private malformed(detail: string, offset: number): ModuleError {
    return new ModuleError('malformed', detail, offset, this.file);
  }
}
