/**
 * Random modules as binaries: always valid, always ending. See shape.ts, body.ts and exports.ts for what is in them.
 */

import { Op } from '../../src/wasm/opcodes.js';
import { type Encoding, STANDARD } from '../support/function-references.js';
import { Body } from './body.js';
import { Choices } from './choices.js';
import { Code, type NanMode } from './code.js';
import { writeConstant, writeNumber } from './constant-expressions.js';
import { int32, int64 } from './constants.js';
import { type ExportedFunction, setFuel, state, wrapper, writeBody } from './exports.js';
import { writeTypes } from './heap-types.js';
import { heapOf, isTyped, writeType } from './reference-types.js';
import {
  DATA_SEGMENTS,
  DATA_SIZE,
  FuncRef,
  I32,
  randomShape,
  type Shape,
  type Sizes,
  type TableShape,
} from './shape.js';
import { WasmWriter } from './wasm-writer.js';

/** One call of an export. */
export interface Step {
  /** Index of the module. */
  readonly module: number;
  readonly name: string;
  readonly params: readonly number[];
  readonly results: readonly number[];
  readonly args: readonly bigint[];
}

export interface RandomModule {
  /** What later modules of the case import it by. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Case {
  readonly seed: number;
  readonly choices: readonly number[];
  readonly modules: readonly RandomModule[];
  readonly steps: readonly Step[];
}

export interface CaseOptions {
  readonly sizes: Sizes;
  readonly nan: NanMode;
  /** Choices to repeat instead of random ones. */
  readonly script?: readonly number[];
  /** Makes the names of the same seed's modules differ. */
  readonly suffix?: number;
  /** The specification's by default. */
  readonly encoding?: Encoding;
}

const FUEL = 250n;
const CALLS = 3;

/** The same seed, sizes and script give the same modules, but for what `nan` adds and `encoding` changes. */
export function randomCase(seed: number, { sizes, nan, script, suffix = 0, encoding = STANDARD }: CaseOptions): Case {
  const choices = new Choices(seed, script);
  const modules: RandomModule[] = [];
  const shapes: Shape[] = [];
  const count = choices.oneIn(4) ? 2 : 1;
  for (let i = 0; i < count; i++) {
    const shape = randomShape(choices, sizes, encoding, `m${seed}-${suffix}-${i}`, shapes.at(-1));
    shapes.push(shape);
    modules.push({ name: shape.name, bytes: writeModule(choices, shape, sizes, nan) });
  }
  const steps = shapes.flatMap((shape, module) => randomSteps(choices, shape, module, count));
  return { seed, choices: choices.taken, modules, steps };
}

function randomSteps(choices: Choices, shape: Shape, module: number, modules: number): Step[] {
  const steps: Step[] = [];
  const step = (at: number, { name, params, results }: ExportedFunction, args: readonly bigint[]) =>
    steps.push({ module: at, name, params, results, args });
  const check = state(shape);
  const fuel = setFuel(shape);
  for (let index = shape.imported.functions.length; index < shape.functions.length; index++) {
    const called = wrapper(shape, index);
    for (let i = 0; i < CALLS; i++) {
      for (let at = 0; at < modules; at++) step(at, fuel, [FUEL]);
      const args = called.params.map((type) =>
        BigInt.asUintN(64, type === I32 ? BigInt(int32(choices)) : int64(choices)),
      );
      step(module, called, args);
    }
    step(module, check, []);
  }
  return steps;
}

function writeModule(choices: Choices, shape: Shape, sizes: Sizes, nan: NanMode): Uint8Array {
  const { types, imported, functions } = shape;
  const bodies: WasmWriter[] = [];
  for (const { params, results, locals } of functions.slice(imported.functions.length)) {
    const vectors = shape.vectors && (shape.vectorTypes || choices.oneIn(2));
    const code = new Code(shape, params, results, locals, nan, vectors);
    new Body(choices, code, 1 + choices.next(sizes.body)).write();
    const body = new WasmWriter();
    writeBody(code, body, locals);
    bodies.push(body);
  }
  const exported = [...functions.map((_, index) => wrapper(shape, index)), setFuel(shape), state(shape)];
  for (const entry of exported) {
    const body = new WasmWriter();
    entry.write(body, nan);
    bodies.push(body);
  }
  const own = functions.slice(imported.functions.length).map(({ type }) => type);
  const functionTypes = [...own, ...exported.map(({ params, results }) => types.index(params, results))];
  const tagTypes = shape.tags.map((carried) => types.index(carried, []));

  const out = new WasmWriter();
  out.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  writeTypes(out, types, shape.encoding, shape.casts);
  writeImports(out, shape, tagTypes);
  out.list(3, functionTypes, (to, type) => to.u32(type));
  out.list(4, shape.tables.slice(imported.tables.length), (to, table) => writeTable(to, table, shape));
  if (!imported.memory)
    out.list(5, [shape.memory], (to, memory) => to.byte(limitsFlags(memory), memory.min, memory.max));
  out.list(13, tagTypes.slice(imported.tags.length), (to, type) => writeTag(to, type));
  out.list(6, shape.globals.slice(imported.globals.length), (to, global, i) => {
    writeType(to, global.type, shape.encoding);
    to.byte(Number(global.mutable));
    writeConstant(to, choices, shape, imported.globals.length + i);
  });
  writeExports(out, shape, exported);
  out.section(9, (to) => writeElements(to, choices, shape));
  out.section(12, (to) => to.u32(DATA_SEGMENTS + 1));
  out.section(10, (to) => {
    to.u32(bodies.length);
    for (const body of bodies) to.sized((inner) => inner.append(body.bytes));
  });
  out.section(11, (to) => {
    to.u32(DATA_SEGMENTS + 1);
    for (let i = 0; i <= DATA_SEGMENTS; i++) {
      if (i < DATA_SEGMENTS) to.byte(1);
      else {
        to.byte(0);
        writeNumber(to, choices, shape, I32, 16n);
      }
      to.u32(DATA_SIZE);
      for (let k = 0; k < DATA_SIZE; k++) to.byte(choices.next(256));
    }
  });
  return out.bytes.slice();
}

/** There is a maximum, and the memory may be shared. */
function limitsFlags({ shared }: Shape['memory']): number {
  return shared ? 3 : 1;
}

function writeTag(to: WasmWriter, type: number): void {
  to.byte(0);
  to.u32(type);
}

function writeImports(out: WasmWriter, shape: Shape, tagTypes: readonly number[]): void {
  const { library, imported, functions, globals, tables, memory } = shape;
  const entries: { name: string; write: (to: WasmWriter) => void }[] = [];
  imported.functions.forEach((from, i) => {
    const { type } = functions[i];
    const write = (to: WasmWriter) => {
      to.byte(0);
      to.u32(type);
    };
    entries.push({ name: `f${from}`, write });
  });
  imported.tables.forEach((from, i) => {
    const write = (to: WasmWriter) => {
      to.byte(1);
      writeTable(to, tables[i], shape);
    };
    entries.push({ name: `t${from}`, write });
  });
  if (imported.memory)
    entries.push({ name: 'memory', write: (to) => to.byte(2, limitsFlags(memory), memory.min, memory.max) });
  imported.globals.forEach((from, i) => {
    const write = (to: WasmWriter) => {
      to.byte(3);
      writeType(to, globals[i].type, shape.encoding);
      to.byte(Number(globals[i].mutable));
    };
    entries.push({ name: `g${from}`, write });
  });
  imported.tags.forEach((from, i) => {
    const write = (to: WasmWriter) => {
      to.byte(4);
      writeTag(to, tagTypes[i]);
    };
    entries.push({ name: `e${from}`, write });
  });
  out.list(2, entries, (to, { name, write }) => {
    to.name(library!.name);
    to.name(name);
    write(to);
  });
}

function writeTable(to: WasmWriter, { element, min, max }: TableShape, { encoding }: Shape): void {
  writeType(to, element, encoding);
  to.byte(1, min, max);
}

function writeExports(out: WasmWriter, shape: Shape, wrappers: readonly ExportedFunction[]): void {
  const entries: (readonly [name: string, kind: number, index: number])[] = [['memory', 2, 0]];
  shape.functions.forEach((_, i) => {
    entries.push([`f${i}`, 0, i]);
  });
  shape.tables.forEach((_, i) => {
    entries.push([`t${i}`, 1, i]);
  });
  shape.globals.forEach((_, i) => {
    entries.push([`g${i}`, 3, i]);
  });
  shape.tags.forEach((_, i) => {
    entries.push([`e${i}`, 4, i]);
  });
  wrappers.forEach(({ name }, i) => {
    entries.push([name, 0, shape.functions.length + i]);
  });
  out.list(7, entries, (to, [name, kind, index]) => {
    to.name(name);
    to.byte(kind);
    to.u32(index);
  });
}

/**
 * Segment 0 fills table 0 from its start, segment 1 is passive; both have ref.func or ref.null as their items. Then one
 * for each table of typed references.
 */
function writeElements(to: WasmWriter, choices: Choices, shape: Shape): void {
  const { elements, passiveElements, tables, functions } = shape;
  const typed = tables.map((_, i) => i).filter((i) => isTyped(tables[i].element));
  const items = (list: readonly number[]) => {
    to.u32(list.length);
    for (const index of list) {
      if (index < 0) to.byte(Op.RefNull, FuncRef);
      else {
        to.byte(Op.RefFunc);
        to.u32(index);
      }
      to.byte(Op.End);
    }
  };
  to.u32(2 + typed.length);
  to.byte(4);
  writeNumber(to, choices, shape, I32, 0n);
  items(elements);
  to.byte(5, FuncRef);
  items(passiveElements);
  for (const table of typed) {
    const { element, min } = tables[table];
    const fitting = functions.map((_, i) => i).filter((i) => shape.types.isSubtype(functions[i].type, heapOf(element)));
    const first = choices.next(min);
    to.byte(6, table);
    writeNumber(to, choices, shape, I32, BigInt(first));
    writeType(to, element, shape.encoding);
    to.u32(min - first);
    for (let i = first; i < min; i++) {
      to.byte(Op.RefFunc);
      to.u32(choices.pick(fitting));
      to.byte(Op.End);
    }
  }
}
