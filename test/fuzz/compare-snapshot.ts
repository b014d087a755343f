/** Compares a snapshot with an interpreter that stands at the same safepoint: frames, globals, tables, memories. */

import { closeSync, openSync, readSync } from 'node:fs';
import type { Snapshot, SnapshotMemory, StoredSnapshot, Value } from '../../src/snapshot/snapshot.js';
import { ValType } from '../../src/wasm/module.js';
import type { Interpreter } from './interpreter.js';
import type { Instance } from './machine.js';
import type { Raw } from './numeric-oracle.js';
import { F32, F64, V128 } from './shape.js';

/** @returns a line per difference */
export function compareSnapshot({ path, snapshot }: StoredSnapshot, interpreter: Interpreter): string[] {
  const values = new Values(snapshot, interpreter);
  const wrong = compareFrames(snapshot, interpreter, values);
  for (const [i, instance] of interpreter.instances.entries())
    wrong.push(...compareInstance(snapshot, i, instance, path, values));
  return wrong;
}

function compareFrames({ frames }: Snapshot, interpreter: Interpreter, same: Values): string[] {
  const wrong: string[] = [];
  const expected = [...interpreter.frames].reverse();
  if (frames.count !== expected.length) return [`${frames.count} frames instead of ${expected.length}`];
  for (const [i, { entry, kind, offset, locals, stack }] of expected.entries()) {
    const site = frames.site(i);
    const where = `frame ${i}, function ${entry.instance}.${entry.index}, ${kind} at ${offset}`;
    const isThere =
      site.instance === entry.instance && site.func === entry.index && site.offset === offset && site.kind === kind;
    if (!isThere) wrong.push(`${where}: is function ${site.instance}.${site.func}, ${site.kind} at ${site.offset}`);
    const values = [...locals, ...stack];
    const types = [...site.locals, ...site.operands];
    if (site.locals.length !== locals.length || types.length !== values.length) {
      wrong.push(`${where}: ${site.locals.length} locals and ${site.operands.length} operands`);
      continue;
    }
    for (const [n, value] of values.entries()) {
      const actual = bitsOf(frames.value(i, n));
      if (same.value(types[n], actual, value)) continue;
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
  values: Values,
): string[] {
  const wrong: string[] = [];
  const { module } = expected;
  const { globals, tables, memories, droppedData, droppedElements } = instances[index];
  for (const [i, global] of globals.entries()) {
    const actual = bitsOf(global);
    const { value } = expected.globals[module.importedGlobalCount + i];
    if (!values.value(global.type, actual, value)) {
      wrong.push(`instance ${index}: global ${i} is ${shown(actual)} instead of 0x${value.toString(16)}`);
    }
  }
  for (const [i, { elements }] of tables.entries()) {
    const at = module.importedTableCount + i;
    const list = expected.tables[at].elements;
    const same =
      elements.length === list.length * 2 &&
      list.every((value, n) => {
        const actual = bitsOf({ lo: elements[n * 2], hi: elements[n * 2 + 1] });
        return values.value(module.tables[at].element, actual, value);
      });
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

export function bitsOf({ lo, hi, upper }: Omit<Value, 'type'>): bigint {
  const low = (BigInt(hi) << 32n) | BigInt(lo);
  return upper === undefined ? low : (BigInt(upper.hi) << 96n) | (BigInt(upper.lo) << 64n) | low;
}

/** Tells values of the two sides apart: bits, but any NaN is as good as another unless they are canonical. */
export class Values {
  /** The interpreter's exception by the snapshot's. */
  private readonly exceptions = new Map<bigint, bigint>();

  constructor(
    private readonly snapshot: Snapshot,
    private readonly interpreter: Interpreter,
  ) {}

  value(type: number, bits: bigint, expected: Raw): boolean {
    const wanted = BigInt(expected);
    if (type === ValType.ExnRef) return this.exception(bits, wanted);
    if (bits === wanted) return true;
    if (this.interpreter.deterministic) return false;
    if (type === V128) return this.lanes(F32, 32, bits, wanted) || this.lanes(F64, 64, bits, wanted);
    return (type === F32 || type === F64) && isNaNBits(type, bits) && isNaNBits(type, wanted);
  }

  private lanes(type: number, width: number, bits: bigint, expected: bigint): boolean {
    for (let at = 0; at < 128; at += width) {
      const lane = (vector: bigint) => BigInt.asUintN(width, vector >> BigInt(at));
      if (!this.value(type, lane(bits), lane(expected))) return false;
    }
    return true;
  }

  /** They are numbered differently: the same one must be the same each time, and carry the same. */
  private exception(number: bigint, expected: bigint): boolean {
    if (number === 0n || expected === 0n) return number === expected;
    const known = this.exceptions.get(number);
    if (known !== undefined) return known === expected;
    if ([...this.exceptions.values()].includes(expected)) return false;
    this.exceptions.set(number, expected);
    const actual = this.snapshot.exceptions?.[Number(number) - 1];
    const { tag, values } = this.interpreter.exceptions[Number(expected) - 1];
    if (actual === undefined || actual.instance !== tag.instance || actual.tag !== tag.index) return false;
    if (`${[...actual.types]}` !== `${[...tag.type.params]}`) return false;
    const { words } = actual;
    let at = 0;
    return values.every((value, i) => {
      const type = actual.types[i];
      const count = type === V128 ? 4 : 2;
      let bits = 0n;
      for (let k = count - 1; k >= 0; k--) bits = (bits << 32n) | BigInt(words[at + k]);
      at += count;
      return this.value(type, bits, value);
    });
  }
}

function isNaNBits(type: number, bits: bigint): boolean {
  if (type === F32) return (bits & 0x7fffffffn) > 0x7f800000n;
  return (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}

export function shown(bits: bigint): string {
  return `0x${bits.toString(16)}`;
}
