/** Random modules as binaries: always valid, always ending. See shape.ts, body.ts and exports.ts for what is in them. */

import { Op } from '../../src/compile/wasm/opcodes.js';
import { Body } from './body.js';
import { Choices } from './choices.js';
import { Code, type NanMode } from './code.js';
import { float32, float64, int32, int64, vector128 } from './constants.js';
import { type ExportedFunction, setFuel, state, wrapper, writeBody } from './exports.js';
import {
  DATA_SEGMENTS,
  DATA_SIZE,
  F32,
  F64,
  FuncRef,
  type GlobalShape,
  I32,
  I64,
  randomShape,
  type Shape,
  type Sizes,
  V128,
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
}

const FUEL = 250n;
const CALLS = 3;

/** The same seed, sizes and script give the same modules, but for what `nan` adds. */
export function randomCase(seed: number, { sizes, nan, script, suffix = 0 }: CaseOptions): Case {
  const choices = new Choices(seed, script);
  const modules: RandomModule[] = [];
  const shapes: Shape[] = [];
  const count = choices.oneIn(4) ? 2 : 1;
  for (let i = 0; i < count; i++) {
    const shape = randomShape(choices, sizes, `m${seed}-${suffix}-${i}`, shapes.at(-1));
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
    const code = new Code(shape, params, results, locals, nan);
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
  const signatures = [...functions.slice(imported.functions.length), ...exported];
  const functionTypes = signatures.map(({ params, results }) => types.index(params, results));
  const tagTypes = shape.tags.map((carried) => types.index(carried, []));

  const out = new WasmWriter();
  out.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  out.list(1, types.list, (to, { params, results }) => {
    to.byte(0x60);
    to.u32(params.length);
    to.byte(...params);
    to.u32(results.length);
    to.byte(...results);
  });
  writeImports(out, shape, tagTypes);
  out.list(3, functionTypes, (to, type) => to.u32(type));
  out.list(4, shape.tables.slice(imported.tables.length), writeTable);
  if (!imported.memory)
    out.list(5, [shape.memory], (to, memory) => to.byte(limitsFlags(memory), memory.min, memory.max));
  out.list(13, tagTypes.slice(imported.tags.length), (to, type) => writeTag(to, type));
  out.list(6, shape.globals.slice(imported.globals.length), (to, global) => writeGlobal(to, choices, shape, global));
  writeExports(out, shape, exported);
  out.section(9, (to) => writeElements(to, shape));
  out.section(12, (to) => to.u32(DATA_SEGMENTS + 1));
  out.section(10, (to) => {
    to.u32(bodies.length);
    for (const body of bodies) to.sized((inner) => inner.append(body.bytes));
  });
  out.section(11, (to) => {
    to.u32(DATA_SEGMENTS + 1);
    for (let i = 0; i <= DATA_SEGMENTS; i++) {
      if (i < DATA_SEGMENTS) to.byte(1);
      else to.byte(0, Op.I32Const, 16, Op.End);
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
      writeTable(to, tables[i]);
    };
    entries.push({ name: `t${from}`, write });
  });
  if (imported.memory)
    entries.push({ name: 'memory', write: (to) => to.byte(2, limitsFlags(memory), memory.min, memory.max) });
  imported.globals.forEach((from, i) => {
    entries.push({ name: `g${from}`, write: (to) => to.byte(3, globals[i].type, Number(globals[i].mutable)) });
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

function writeTable(to: WasmWriter, { element, min, max }: { element: number; min: number; max: number }): void {
  to.byte(element, 1, min, max);
}

function writeGlobal(to: WasmWriter, choices: Choices, shape: Shape, { type, mutable }: GlobalShape): void {
  to.byte(type, Number(mutable));
  const code = new Code(shape, [], [], [], 0);
  if (type === I32) code.i32(int32(choices));
  else if (type === I64) code.i64(int64(choices));
  else if (type === F32) code.f32(float32(choices));
  else if (type === F64) code.f64(float64(choices));
  else if (type === V128) code.v128(vector128(choices));
  else if (type === FuncRef && choices.oneIn(2)) {
    code.instruction(Op.RefFunc, 0, [FuncRef], choices.next(shape.functions.length));
  } else code.refNull(type);
  to.append(code.out.bytes);
  to.byte(Op.End);
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

/** Segment 0 fills table 0 from its start, segment 1 is passive; both have ref.func or ref.null as their items. */
function writeElements(to: WasmWriter, { elements, passiveElements }: Shape): void {
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
  to.u32(2);
  to.byte(4, Op.I32Const, 0, Op.End);
  items(elements);
  to.byte(5, FuncRef);
  items(passiveElements);
}
