/**
 * The interface between the linker and the code generators for function bodies. The linker knows this file only.
 *
 * All generators keep to the same convention: where arguments and results travel, what a frame looks like from outside,
 * which positions are safepoints. So functions of different generators call each other, and a snapshot of one continues
 * in another.
 */

import type { MacroAssembler } from '../arch/masm/masm.js';
import type { InstanceLayout } from '../image/instance-layout.js';
import type { Module } from '../wasm/module.js';
import type { CodeEnvironment } from './convention/environment.js';

/** What a generator compiles: a module, as an instance of an image. */
export interface InstanceInput {
  readonly module: Module;
  readonly layout: InstanceLayout;
  readonly environment: CodeEnvironment;
  /** For messages. */
  readonly file: string;
}

/** Makes code for instances, one after the other, all with the same assembler. */
export interface CodeGenerator {
  begin(masm: MacroAssembler, instance: InstanceInput): InstanceCode;
}

/** Direct calls, and tail calls, of functions of an instance: pairs of the assembler's handle and the defined function. */
export interface DirectCallLists {
  readonly calls: Uint32Array<ArrayBuffer>;
  readonly jumps: Uint32Array<ArrayBuffer>;
}

/** The code of one instance while it is made. Its functions may be compiled in any order. */
export interface InstanceCode {
  /** Text offset of each defined function, -1 before it is compiled. */
  readonly functionOffsets: Int32Array;
  /**
   * Whether a tail call was met for which callers do not reserve enough (CodeEnvironment.tailSlots): then the code is
   * of no use, and text has to be built again with more.
   */
  readonly lacksTailRoom: boolean;
  /**
   * Validates and compiles a function, by its function index, at the assembler's offset.
   * @throws ModuleError where it is invalid, LimitError
   */
  compile(funcIndex: number): void;
  /**
   * Compiles a function again, as a part of other code. That code is entered at its beginning with the stack of a call,
   * and continues after its end, with the frame released. The function must make no tail call.
   */
  compileInline(funcIndex: number): void;
  /**
   * Takes out the calls that link() would patch, for another InstanceCode to adopt: the code made here becomes a piece
   * of its text.
   */
  takeCalls(): DirectCallLists;
  /**
   * Adopts functions that another InstanceCode has compiled from text offset 0 on.
   *
   * @param first the first one of them, as an index of defined functions
   * @param offsets where they begin there
   * @param textOffset where that text begins now
   */
  adopt(first: number, offsets: Int32Array, calls: DirectCallLists, textOffset: number): void;
  /** Patches the direct calls between the functions, after all are compiled. */
  link(): void;
}
