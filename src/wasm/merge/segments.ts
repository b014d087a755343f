/**
 * Element and data segments of merged instances: their sections, and the code that copies those of an instance whose
 * segments wait for the start functions of earlier ones. Core spec 5.5.12, 5.5.14 and 4.7.2.
 */

import { type ElementSegment, ExternKind, type Module } from '../module.js';
import { Op } from '../opcodes.js';
import type { ByteWriter } from './byte-writer.js';
import { constant, opcode } from './instructions.js';
import type { MergedInstance } from './merge-plan.js';
import { writeValType } from './merged-types.js';
import { writeConstant, writeExpression } from './parts.js';
import type { IndexMaps } from './rewrite-body.js';

const enum Section {
  Element = 9,
  Data = 11,
}

export function writeElements(
  to: ByteWriter,
  instances: readonly MergedInstance[],
  indexMaps: readonly IndexMaps[],
): void {
  const segments = instances.flatMap(({ module, waits }, i) =>
    module.elements.map((segment) => (into: ByteWriter) => writeElement(into, segment, module, waits, indexMaps[i])),
  );
  const exported = instances.flatMap(({ module }, i) =>
    module.exports.flatMap(({ kind, index }) => (kind === ExternKind.Func ? [indexMaps[i].funcs[index]] : [])),
  );
  // An export declares a function for ref.func, and those of the instances are not there any more.
  if (exported.length > 0) segments.push((into) => writeDeclared(into, new Set(exported)));
  to.list(Section.Element, segments, (into, write) => write(into));
}

function writeElement(
  into: ByteWriter,
  segment: ElementSegment,
  module: Module,
  waits: boolean | undefined,
  maps: IndexMaps,
): void {
  const isActive = segment.mode === 'active' && waits !== true;
  // Expressions say all: indexes of functions are ref.func.
  into.unsigned(isActive ? 6 : segment.mode === 'declarative' ? 7 : 5);
  if (isActive) {
    into.unsigned(maps.tables[segment.table]);
    writeExpression(into, segment.offset!, module, maps);
  }
  writeValType(into, segment.type, module, maps.types);
  into.unsigned(segment.items.length);
  for (const item of segment.items) writeExpression(into, item, module, maps);
}

function writeDeclared(into: ByteWriter, functions: ReadonlySet<number>): void {
  into.unsigned(3);
  into.byte(ExternKind.Func);
  into.unsigned(functions.size);
  for (const index of functions) into.unsigned(index);
}

export function writeDatas(
  to: ByteWriter,
  instances: readonly MergedInstance[],
  indexMaps: readonly IndexMaps[],
): void {
  const all = instances.flatMap((instance, i) =>
    instance.module.datas.map((data) => ({ data, instance, maps: indexMaps[i] })),
  );
  to.list(Section.Data, all, (into, { data, instance: { module, waits }, maps }) => {
    if (data.mode === 'active' && waits !== true) {
      into.byte(2);
      into.unsigned(maps.memories[data.memory]);
      writeExpression(into, data.offset!, module, maps);
    } else into.byte(1);
    into.unsigned(data.end - data.start);
    into.append(module.bytes, data.start, data.end);
  });
}

/** What instantiating does with active segments, in its order: the elements, then the data. */
export function copySegments(to: ByteWriter, module: Module, maps: IndexMaps): void {
  module.elements.forEach((segment, i) => {
    if (segment.mode === 'active') copyElements(to, segment, maps.elements + i, module, maps);
  });
  module.datas.forEach((data, i) => {
    if (data.mode !== 'active') return;
    const index = maps.datas + i;
    writeConstant(to, data.offset!, module, maps);
    source(to, data.end - data.start);
    opcode(to, Op.MemoryInit);
    to.unsigned(index);
    to.unsigned(maps.memories[data.memory]);
    opcode(to, Op.DataDrop);
    to.unsigned(index);
  });
}

function copyElements(
  to: ByteWriter,
  { offset, items, table }: ElementSegment,
  index: number,
  module: Module,
  maps: IndexMaps,
): void {
  writeConstant(to, offset!, module, maps);
  source(to, items.length);
  opcode(to, Op.TableInit);
  to.unsigned(index);
  to.unsigned(maps.tables[table]);
  opcode(to, Op.ElemDrop);
  to.unsigned(index);
}

/** All of a segment: from 0, its length. */
function source(to: ByteWriter, length: number): void {
  constant(to, 0);
  constant(to, length);
}
