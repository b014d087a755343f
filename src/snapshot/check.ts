/**
 * Checks a decoded snapshot against its modules, as far as that needs no compiled image: counts, types, limits, indexes.
 *
 * A snapshot is hostile input. What header.ts has checked (that it is consistent in itself) is taken for granted; sites,
 * frame shapes and the call chain are restore's to check against a fresh image.
 */

import { type Global, type GlobalType, type Module, ValType } from '../compile/wasm/module.js';
import { valTypeName } from '../compile/wasm/text.js';
import { InputError } from '../errors.js';
import type { Frames, Snapshot, SnapshotInstance, Value } from './snapshot.js';

const MAX_PAGES = 65536;

/**
 * @param modules of each of `snapshot.instances`
 * @param path of the snapshot, for errors
 * @throws InputError
 */
export function checkSnapshot(snapshot: Snapshot, modules: readonly Module[], path: string): void {
  new Checker(snapshot, modules, path).run();
}

class Checker {
  constructor(
    private readonly snapshot: Snapshot,
    private readonly modules: readonly Module[],
    private readonly path: string,
  ) {}

  run(): void {
    const { snapshot, modules } = this;
    if (modules.length !== snapshot.instances.length) {
      this.fail('instances', `${snapshot.instances.length} instances for ${modules.length} modules`);
    }
    for (const [i, instance] of snapshot.instances.entries()) {
      const where = `instances[${i}]`;
      this.checkGlobals(instance, modules[i], where);
      this.checkTables(instance, modules[i], where);
      this.checkMemories(instance, modules[i], where);
      this.count(instance.droppedData.length, modules[i].datas.length, `${where}.droppedData`, 'data segments');
      this.count(instance.droppedElements.length, modules[i].elements.length, `${where}.droppedElements`, 'segments');
    }
    this.checkFrames(snapshot.frames);
  }

  private checkGlobals(instance: SnapshotInstance, module: Module, where: string): void {
    const defined = module.globals.slice(module.importedGlobalCount);
    this.count(instance.globals.length, defined.length, `${where}.globals`, 'globals');
    for (const [i, value] of instance.globals.entries()) {
      const at = `${where}.globals[${i}]`;
      const { type } = defined[i];
      if (value.type !== type) this.fail(at, `is ${valTypeName(value.type)}, in the module ${valTypeName(type)}`);
      if (differsFromConstant(defined[i], value))
        this.fail(at, 'is immutable but has another value than in the module');
      this.checkReference(value.type, value.lo, value.hi, at);
    }
  }

  private checkTables(instance: SnapshotInstance, module: Module, where: string): void {
    const defined = module.tables.slice(module.importedTableCount);
    this.count(instance.tables.length, defined.length, `${where}.tables`, 'tables');
    for (const [i, table] of instance.tables.entries()) {
      const at = `${where}.tables[${i}]`;
      const { element, min, max } = defined[i];
      if (table.type !== element)
        this.fail(at, `holds ${valTypeName(table.type)}, in the module ${valTypeName(element)}`);
      this.checkSize(table.elements.length / 2, table.max, min, max ?? 0xffffffff, at, 'elements');
      for (let n = 0; n < table.elements.length; n += 2) {
        this.checkReference(table.type, table.elements[n], table.elements[n + 1], `${at}.elements[${n / 2}]`);
      }
    }
  }

  private checkMemories(instance: SnapshotInstance, module: Module, where: string): void {
    const defined = module.memories.slice(module.importedMemoryCount);
    this.count(instance.memories.length, defined.length, `${where}.memories`, 'memories');
    for (const [i, { pages, maxPages }] of instance.memories.entries()) {
      const { min, max } = defined[i];
      this.checkSize(pages, maxPages, min, Math.min(max ?? MAX_PAGES, MAX_PAGES), `${where}.memories[${i}]`, 'pages');
    }
  }

  private checkFrames(frames: Frames): void {
    for (const [i, { instance, func, offset }] of frames.sites.entries()) {
      const module = this.modules[instance];
      const where = `frames.sites[${i}]`;
      if (func >= module.funcTypes.length) this.fail(where, `names function ${func} of ${module.funcTypes.length}`);
      const body = func - module.importedFuncCount;
      const size = body < 0 ? 1 : module.bodyEnd[body] - module.bodyStart[body];
      if (offset >= size) this.fail(where, `offset ${offset} is beyond function ${func}, which has ${size} bytes`);
    }
    const { sites, siteOf, starts, words } = frames;
    const types = sites.map(({ locals, operands }) => Uint8Array.of(...locals, ...operands));
    for (let frame = 0; frame < siteOf.length; frame++) {
      const own = types[siteOf[frame]];
      for (let n = 0, at = starts[frame] * 2; n < own.length; n++, at += 2) {
        if (own[n] === ValType.FuncRef)
          this.checkReference(own[n], words[at], words[at + 1], `frame ${frame}, value ${n}`);
      }
    }
  }

  /** A function reference names a function that exists. */
  private checkReference(type: ValType, lo: number, hi: number, where: string): void {
    if (type !== ValType.FuncRef || hi === 0) return;
    const count = this.modules[hi - 1]?.funcTypes.length ?? 0;
    if (lo >= count) this.fail(where, `refers to function ${lo} of ${count} of instance ${hi - 1}`);
  }

  private checkSize(size: number, max: number, least: number, most: number, where: string, unit: string): void {
    if (size < least) this.fail(where, `has ${size} ${unit}, less than the ${least} of the module`);
    if (max > most) this.fail(where, `may have ${max} ${unit}, more than the ${most} of the module`);
    if (size > max) this.fail(where, `has ${size} ${unit}, more than its maximum ${max}`);
  }

  private count(found: number, expected: number, where: string, what: string): void {
    if (found !== expected) this.fail(where, `has ${found} ${what}, the module ${expected}`);
  }

  private fail(where: string, what: string): never {
    throw new InputError('snapshot', `${this.path}: ${where}: ${what}`);
  }
}

function differsFromConstant(global: GlobalType | Global, { lo, hi }: Value): boolean {
  if (global.mutable || !('init' in global) || global.init.op !== 'const') return false;
  return lo !== global.init.lo >>> 0 || hi !== global.init.hi >>> 0;
}
