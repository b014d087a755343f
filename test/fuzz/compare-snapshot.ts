/** Compares a snapshot with an interpreter that stands at the same safepoint: frames, globals, tables, memories. */

import { closeSync, openSync, readSync } from 'node:fs';
import type { Snapshot, SnapshotMemory, StoredSnapshot, Value } from '../../src/snapshot/snapshot.js';
import type { Interpreter } from './interpreter.js';
import type { Instance } from './machine.js';
import type { Raw } from './numeric-oracle.js';
import { F32, F64, V128 } from './shape.js';

/** @returns a line per difference */
export function compareSnapshot({ path, snapshot }: StoredSnapshot, interpreter: Interpreter): string[] {
  const wrong = compareFrames(snapshot, interpreter);
  for (const [i, instance] of interpreter.instances.entries())
    wrong.push(...compareInstance(snapshot, i, instance, path, interpreter.deterministic));
  return wrong;
}

function compareFrames({ frames }: Snapshot, interpreter: Interpreter): string[] {
  const wrong: string[] = [];
  const expected = [...interpreter.frames].reverse();
  if (frames.count !== expected.length) return [`${frames.count} frames instead of ${expected.length}`];
  for (const [i, { entry, kind, offset, locals, stack }] of expected.entries()) {
    const site = frames.site(i);
    const where = `frame ${i}, function ${entry.instance}.${entry.index}, ${kind} at ${offset}`;
    const same =
      site.instance === entry.instance && site.func === entry.index && site.offset === offset && site.kind === kind;
    if (!same) wrong.push(`${where}: is function ${site.instance}.${site.func}, ${site.kind} at ${site.offset}`);
    const values = [...locals, ...stack];
    const types = [...site.locals, ...site.operands];
    if (site.locals.length !== locals.length || types.length !== values.length) {
      wrong.push(`${where}: ${site.locals.length} locals and ${site.operands.length} operands`);
      continue;
    }
    for (const [n, value] of values.entries()) {
      const actual = bitsOf(frames.value(i, n));
      if (sameValue(interpreter.deterministic, types[n], actual, value)) continue;
      const what = n < locals.length ? `local ${n}` : `operand ${n - locals.length}`;
      wrong.push(`${where}: ${what} is ${shown(actual)} instead of 0x${value.toString(16)}`);
    }
  }
  return wrong;
}

function compareInstance(
  { instances }: Snapshot,
  index: number,
  expected: Instance,
  path: string,
  exact: boolean,
): string[] {
  const wrong: string[] = [];
  const { module } = expected;
  const { globals, tables, memories, droppedData, droppedElements } = instances[index];
  for (const [i, global] of globals.entries()) {
    const actual = bitsOf(global);
    const { value } = expected.globals[module.importedGlobalCount + i];
    if (!sameValue(exact, global.type, actual, value)) {
      wrong.push(`instance ${index}: global ${i} is ${shown(actual)} instead of 0x${value.toString(16)}`);
    }
  }
  for (const [i, { elements }] of tables.entries()) {
    const list = expected.tables[module.importedTableCount + i].elements;
    const same =
      elements.length === list.length * 2 &&
      list.every((value, n) => bitsOf({ lo: elements[n * 2], hi: elements[n * 2 + 1] }) === value);
    if (!same) wrong.push(`instance ${index}: table ${i} differs`);
  }
  for (const [i, memory] of memories.entries()) {
    const bytes = readMemory(memory, path);
    if (!bytes.equals(expected.memories[module.importedMemoryCount + i].bytes)) {
      wrong.push(`instance ${index}: memory ${i} differs`);
    }
  }
  if (`${droppedData}` !== `${expected.droppedData}`) wrong.push(`instance ${index}: dropped data ${droppedData}`);
  if (`${droppedElements}` !== `${expected.droppedElements}`) {
    wrong.push(`instance ${index}: dropped elements ${droppedElements}`);
  }
  return wrong;
}

function readMemory({ pages, extents }: SnapshotMemory, path: string): Buffer {
  const bytes = Buffer.alloc(pages * 65536);
  const fd = openSync(path, 'r');
  for (const { offset, fileOffset, bytes: count } of extents) readSync(fd, bytes, offset, count, fileOffset);
  closeSync(fd);
  return bytes;
}

function bitsOf({ lo, hi, upper }: Omit<Value, 'type'>): bigint {
  const low = (BigInt(hi) << 32n) | BigInt(lo);
  return upper === undefined ? low : (BigInt(upper.hi) << 96n) | (BigInt(upper.lo) << 64n) | low;
}

/** Bits, but any NaN is as good as another unless they are canonical. */
function sameValue(exact: boolean, type: number, bits: bigint, expected: Raw): boolean {
  const wanted = BigInt(expected);
  if (bits === wanted) return true;
  if (exact) return false;
  if (type === V128) return sameLanes(F32, 32, bits, wanted) || sameLanes(F64, 64, bits, wanted);
  return (type === F32 || type === F64) && isNaNBits(type, bits) && isNaNBits(type, wanted);
}

function sameLanes(type: number, width: number, bits: bigint, expected: bigint): boolean {
  for (let at = 0; at < 128; at += width) {
    const lane = (vector: bigint) => BigInt.asUintN(width, vector >> BigInt(at));
    if (!sameValue(false, type, lane(bits), lane(expected))) return false;
  }
  return true;
}

function isNaNBits(type: number, bits: bigint): boolean {
  if (type === F32) return (bits & 0x7fffffffn) > 0x7f800000n;
  return (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}

function shown(bits: bigint): string {
  return `0x${bits.toString(16)}`;
}
