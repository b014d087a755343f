/** An instance in a snapshot. Resolves its index spaces and export names. */

import { UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { IndexSpaces } from '../snapshot/coredump-instances.js';
import type { SnapshotTable as StoredTable, Value as StoredValue } from '../snapshot/snapshot.js';
import { type Export, ExternKind, type ValType } from '../wasm/module.js';
import { valTypeName } from '../wasm/text.js';
import type { SnapshotInstance, SnapshotMemory, SnapshotTable } from './snapshot.js';
import { toValue } from './stored-value.js';
import type { Value } from './value.js';

/** The items of all instances, one after the other, which index spaces refer to. */
export interface Shared {
  readonly memories: readonly SnapshotMemory[];
  readonly tables: readonly StoredTable[];
  readonly globals: readonly StoredValue[];
}

export class InstanceView implements SnapshotInstance {
  constructor(
    private readonly spaces: IndexSpaces,
    private readonly exports: readonly Export[],
    private readonly shared: Shared,
  ) {}

  get module(): number {
    return this.spaces.module;
  }

  get memoryCount(): number {
    return this.spaces.memories.length;
  }

  get tableCount(): number {
    return this.spaces.tables.length;
  }

  get globalCount(): number {
    return this.spaces.globals.length;
  }

  memory(memory: number | string): SnapshotMemory {
    return this.shared.memories[this.find('memory', ExternKind.Memory, this.spaces.memories, memory)];
  }

  table(table: number | string): SnapshotTable {
    return new TableView(this.shared.tables[this.find('table', ExternKind.Table, this.spaces.tables, table)]);
  }

  global(global: number | string): Value {
    return toValue(this.shared.globals[this.find('global', ExternKind.Global, this.spaces.globals, global)]);
  }

  /** Resolves to an index in the shared list. */
  private find(what: string, kind: ExternKind, space: readonly number[], wanted: number | string): number {
    const exported = this.exports.find((entry) => entry.kind === kind && entry.name === wanted)?.index;
    const found = space[typeof wanted === 'number' ? wanted : (exported ?? -1)];
    if (found !== undefined) return found;
    if (typeof wanted === 'string') throw new UsageError(`the instance exports no ${what} ${quoted(wanted)}`);
    throw new UsageError(`the instance has no ${what} ${wanted}: it has ${space.length}`);
  }
}

class TableView implements SnapshotTable {
  constructor(private readonly table: StoredTable) {}

  get type(): SnapshotTable['type'] {
    return valTypeName(this.table.type) as SnapshotTable['type'];
  }

  get length(): number {
    return this.table.elements.length / 2;
  }

  get maxLength(): number {
    return this.table.max;
  }

  get(index: number): Value {
    const { elements, type } = this.table;
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) {
      throw new UsageError(`the table has no element ${index}: it has ${this.length}`);
    }
    return toValue({ type: type as ValType, lo: elements[index * 2], hi: elements[index * 2 + 1] });
  }
}
