/**
 * Merges several instances to one module. Each index space is that of the first instance, then that of the next, and so
 * on; imports are replaced by their bindings. So a graph of instances becomes an ordinary module with several memories
 * and tables, and compiler, images, snapshots and restore need nothing special.
 *
 * Start functions and the segments of instances that wait for them (MergedInstance.waits) are left to a made function.
 */

import { type ConstExpr, ExternKind, type Import, type Module, ValType } from '../module.js';
import { ByteWriter } from './byte-writer.js';
import { checkMatch, checkType, unlinkable } from './match.js';
import type { Binding, MadeIndexes, Merge, MergedInstance } from './merge-plan.js';
import { MergedTypes, writeValType } from './merged-types.js';
import { writeExpression, writeLimits } from './parts.js';
import { BodyRewriter, type IndexMaps } from './rewrite-body.js';
import { writeDatas, writeElements } from './segments.js';

const enum Section {
  Custom = 0,
  Type = 1,
  Import = 2,
  Function = 3,
  Table = 4,
  Memory = 5,
  Global = 6,
  Export = 7,
  Code = 10,
  DataCount = 12,
  Tag = 13,
}

const KINDS = [ExternKind.Func, ExternKind.Table, ExternKind.Memory, ExternKind.Global, ExternKind.Tag] as const;

/** @throws ModuleError */
export function merge(merged: Merge): Uint8Array {
  return new Merger(merged).write();
}

class Merger {
  private readonly types = new MergedTypes();
  private readonly kept: { readonly module: string; readonly name: string; readonly type: number }[] = [];
  /** Of each kind and instance: the merged index of each of its index space, -1 while unknown. */
  private readonly maps: readonly Int32Array[][];
  private readonly positions: (readonly number[] | undefined)[][] = KINDS.map(() => []);
  private readonly typeMaps: readonly Uint32Array[];
  private readonly made: MadeIndexes;
  private readonly indexMaps: readonly IndexMaps[];
  private readonly to = new ByteWriter();

  constructor(private readonly merged: Merge) {
    const { instances } = merged;
    this.typeMaps = instances.map(({ module }) => this.types.addAll(module));
    this.maps = KINDS.map((kind) => instances.map(({ module }) => new Int32Array(spaceOf(module, kind)).fill(-1)));
    this.keepImports();
    const counts = KINDS.map((kind) => this.define(kind));
    this.made = { firstFunction: counts[ExternKind.Func], firstGlobal: counts[ExternKind.Global] };
    for (const kind of KINDS) this.bind(kind);
    let elements = 0;
    let datas = 0;
    this.indexMaps = instances.map(({ module }, i) => {
      const maps = {
        types: this.typeMaps[i],
        funcs: this.maps[ExternKind.Func][i],
        tables: this.maps[ExternKind.Table][i],
        memories: this.maps[ExternKind.Memory][i],
        globals: this.maps[ExternKind.Global][i],
        tags: this.maps[ExternKind.Tag][i],
        elements,
        datas,
      };
      elements += module.elements.length;
      datas += module.datas.length;
      return maps;
    });
  }

  /** Adds the imports that stay, each once: they are the first functions. */
  private keepImports(): void {
    const known = new Map<string, number>();
    this.merged.instances.forEach(({ module: { imports }, bindings }, instance) => {
      const seen = [0, 0, 0, 0, 0];
      imports.forEach((entry, i) => {
        const at = seen[entry.kind]++;
        const binding = bindings[i];
        if (binding.kind !== 'import' || entry.kind !== ExternKind.Func) return;
        const type = this.typeMaps[instance][entry.typeIndex];
        const { module, name } = binding.as ?? entry;
        const key = JSON.stringify([module, name, type]);
        let index = known.get(key);
        if (index === undefined) known.set(key, (index = this.kept.push({ module, name, type }) - 1));
        this.maps[ExternKind.Func][instance][at] = index;
      });
    });
  }

  /** Numbers what instances define. @returns how many there are then */
  private define(kind: ExternKind): number {
    let next = kind === ExternKind.Func ? this.kept.length : 0;
    const { firstMemory, instances } = this.merged;
    if (kind === ExternKind.Memory && firstMemory !== undefined) {
      this.maps[kind][firstMemory.instance][firstMemory.index] = next++;
    }
    instances.forEach(({ module }, instance) => {
      const map = this.maps[kind][instance];
      for (let i = importedOf(module, kind); i < map.length; i++) if (map[i] < 0) map[i] = next++;
    });
    return next;
  }

  private bind(kind: ExternKind): void {
    const { instances } = this.merged;
    instances.forEach((instance, i) => {
      let at = 0;
      instance.module.imports.forEach((entry, n) => {
        if (entry.kind !== kind) return;
        const index = at++;
        if (this.maps[kind][i][index] < 0) this.maps[kind][i][index] = this.bound(instance, n, entry);
      });
    });
  }

  /** The merged index of what an import is bound to. */
  private bound(importer: MergedInstance, n: number, entry: Import): number {
    const { bindings, module: from, file } = importer;
    const { instances, functions } = this.merged;
    const binding = this.resolve(bindings[n], entry.kind);
    if (binding.kind === 'made') {
      checkType(functions[binding.index].type, [], entry, from, file);
      return this.made.firstFunction + binding.index;
    }
    if (binding.kind === 'import') throw unlinkable('unknown import', entry, file);
    checkMatch(instances[binding.instance].module, binding.index, entry, importer);
    return this.maps[entry.kind][binding.instance][binding.index];
  }

  /** Follows a binding to the definition: instances may export what they import. */
  private resolve(binding: Binding, kind: ExternKind): Binding {
    for (let links = this.merged.instances.length; binding.kind === 'instance' && links >= 0; links--) {
      const { module, bindings }: MergedInstance = this.merged.instances[binding.instance];
      const at = binding.index;
      if (at >= importedOf(module, kind)) return binding;
      binding = bindings[this.importPositions(binding.instance, kind)[at]];
    }
    return binding;
  }

  /** Where the imports of a kind stand among all. */
  private importPositions(instance: number, kind: ExternKind): readonly number[] {
    const known = this.positions[kind][instance];
    if (known !== undefined) return known;
    const { imports } = this.merged.instances[instance].module;
    const found = imports.flatMap((entry, i) => (entry.kind === kind ? [i] : []));
    return (this.positions[kind][instance] = found);
  }

  write(): Uint8Array {
    const { to, merged } = this;
    const madeTypes = merged.functions.map(({ type }) => this.types.index(type));
    for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) to.byte(byte);
    this.types.write(to, Section.Type);
    to.list(Section.Import, this.kept, (into, { module, name, type }) => {
      into.name(module);
      into.name(name);
      into.byte(ExternKind.Func);
      into.unsigned(type);
    });
    const functionTypes = merged.instances.flatMap(({ module }, i) =>
      Array.from(module.funcTypes.subarray(module.importedFuncCount), (type) => this.typeMaps[i][type]),
    );
    to.list(Section.Function, [...functionTypes, ...madeTypes], (into, type) => into.unsigned(type));
    this.writeTables();
    this.writeMemories();
    const tags = merged.instances.flatMap(({ module }, i) =>
      Array.from(module.tags.subarray(module.importedTagCount), (type) => this.typeMaps[i][type]),
    );
    to.list(Section.Tag, tags, (into, type) => {
      into.byte(0);
      into.unsigned(type);
    });
    this.writeGlobals();
    to.list(Section.Export, merged.exports, (into, { name, kind, of }) => {
      into.name(name);
      into.byte(kind);
      into.unsigned(typeof of === 'number' ? this.made.firstFunction + of : this.maps[kind][of.instance][of.index]);
    });
    writeElements(to, merged.instances, this.indexMaps);
    const datas = merged.instances.reduce((sum, { module }) => sum + module.datas.length, 0);
    if (datas > 0) {
      to.byte(Section.DataCount);
      to.sized((into) => into.unsigned(datas));
    }
    this.writeCode();
    writeDatas(to, merged.instances, this.indexMaps);
    this.writeNames();
    return to.bytes.slice();
  }

  private writeTables(): void {
    const tables = this.merged.instances.flatMap(({ module }, instance) =>
      module.tables.slice(module.importedTableCount).map((table) => ({ table, instance })),
    );
    this.to.list(Section.Table, tables, (into, { table, instance }) => {
      if (table.init !== undefined) {
        into.byte(0x40);
        into.byte(0);
      }
      this.valType(into, table.element, instance);
      writeLimits(into, table);
      if (table.init !== undefined) this.constant(into, table.init, instance);
    });
  }

  private writeMemories(): void {
    const { firstMemory, instances } = this.merged;
    const memories = instances.flatMap(({ module }, instance) =>
      module.memories.flatMap((memory, index) => {
        const isFirst = firstMemory?.instance === instance && firstMemory.index === index;
        return index < module.importedMemoryCount || isFirst ? [] : [memory];
      }),
    );
    if (firstMemory !== undefined) memories.unshift(instances[firstMemory.instance].module.memories[firstMemory.index]);
    this.to.list(Section.Memory, memories, writeLimits);
  }

  private writeGlobals(): void {
    const { instances, globals: made } = this.merged;
    const globals = instances.flatMap(({ module }, instance) =>
      module.globals.slice(module.importedGlobalCount).map((global) => ({ global, instance })),
    );
    const none = { op: 'const', type: ValType.I32, lo: 0, hi: 0 } as const;
    const more = Array.from({ length: made }, () => ({
      global: { type: ValType.I32, mutable: true, init: none },
      instance: 0,
    }));
    this.to.list(Section.Global, [...globals, ...more], (into, { global, instance }) => {
      this.valType(into, global.type, instance);
      into.byte(global.mutable ? 1 : 0);
      this.constant(into, 'init' in global ? global.init : none, instance);
    });
  }

  private writeCode(): void {
    const { instances, functions } = this.merged;
    const code = new ByteWriter();
    const body = new ByteWriter();
    let count = functions.length;
    instances.forEach(({ module, file }, i) => {
      const rewriter = new BodyRewriter(module, file, this.indexMaps[i], body);
      count += module.bodyStart.length;
      for (let n = 0; n < module.bodyStart.length; n++) {
        body.length = 0;
        rewriter.rewrite(module.bodyStart[n], module.bodyEnd[n]);
        code.unsigned(body.length);
        code.append(body.bytes);
      }
    });
    for (const { locals, write } of functions) {
      code.sized((into) => {
        into.unsigned(locals.length);
        for (const type of locals) {
          into.unsigned(1);
          into.byte(type);
        }
        write(into, this.indexMaps, this.made);
      });
    }
    if (count === 0) return;
    this.to.byte(Section.Code);
    const head = new ByteWriter();
    head.unsigned(count);
    this.to.unsigned(head.length + code.length);
    this.to.append(head.bytes);
    this.to.append(code.bytes);
  }

  private writeNames(): void {
    const { instances, functions, name } = this.merged;
    const names = new Map<number, string>();
    instances.forEach(({ module, label }, i) => {
      const exported = new Map(module.exports.map((one) => [one.kind === ExternKind.Func ? one.index : -1, one.name]));
      for (let index = module.importedFuncCount; index < module.funcTypes.length; index++) {
        const own = module.names?.functions.get(index);
        const text = label === undefined ? own : `${label}!${own ?? exported.get(index) ?? `func-${index}`}`;
        if (text !== undefined) names.set(this.indexMaps[i].funcs[index], text);
      }
    });
    for (const [i, made] of functions.entries()) names.set(this.made.firstFunction + i, made.name);
    this.to.byte(Section.Custom);
    this.to.sized((into) => {
      into.name('name');
      into.byte(0);
      into.sized((module) => module.name(name));
      into.byte(1);
      into.sized((map) => {
        const sorted = [...names].sort(([a], [b]) => a - b);
        map.unsigned(sorted.length);
        for (const [index, text] of sorted) {
          map.unsigned(index);
          map.name(text);
        }
      });
    });
  }

  private valType(to: ByteWriter, type: number, instance: number): void {
    writeValType(to, type, this.merged.instances[instance].module, this.typeMaps[instance]);
  }

  private constant(to: ByteWriter, expr: ConstExpr, instance: number): void {
    writeExpression(to, expr, this.merged.instances[instance].module, this.indexMaps[instance]);
  }
}

function spaceOf(module: Module, kind: ExternKind): number {
  return [module.funcTypes, module.tables, module.memories, module.globals, module.tags][kind].length;
}

function importedOf(module: Module, kind: ExternKind): number {
  return [
    module.importedFuncCount,
    module.importedTableCount,
    module.importedMemoryCount,
    module.importedGlobalCount,
    module.importedTagCount,
  ][kind];
}
