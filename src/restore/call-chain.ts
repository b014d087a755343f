/**
 * Checks who may call whom on a snapshot's stack. Each frame's function must be the one that the instruction in the
 * next outer frame calls, as the module's own bytes say, or one that a tail call may have put in its place
 * (tail-calls.ts).
 *
 * Checks pairs of sites, not frames: a recursion of 100,000 frames is a handful of pairs. The fresh image's site table
 * already has each offset, so an instruction starts there.
 */

import { InputError } from '../base/errors.js';
import type { FrameSite, Snapshot } from '../snapshot/snapshot.js';
import { entryFunction } from '../wasm/entry.js';
import type { FuncType, Module } from '../wasm/module.js';
import { Op } from '../wasm/opcodes.js';
import { Reader } from '../wasm/reader.js';
import { isFuncSubtype } from '../wasm/ref-types.js';
import { hookFunction } from './hook.js';
import type { References } from './placed-references.js';
import { type FunctionName, resolveFunction } from './resolve-function.js';
import { TailCalls } from './tail-calls.js';

const INDIRECT: readonly number[] = [Op.CallIndirect, Op.ReturnCallIndirect, Op.CallRef, Op.ReturnCallRef];

export class CallChain {
  private readonly seen = new Set<number>();
  private readonly tailCalls: TailCalls;

  /** @param modules the module of each guest instance */
  constructor(
    private readonly modules: readonly Module[],
    private readonly references: References,
  ) {
    this.tailCalls = new TailCalls(references.identity);
  }

  /**
   * Checks that `outer` calls the function of `inner`. `pair` is a number that identifies the two sites, so that each
   * pair is checked once.
   *
   * @throws InputError that names frame number `frame` (the outer one)
   */
  check(inner: FrameSite, outer: FrameSite, pair: number, frame: number): void {
    if (this.seen.has(pair)) return;
    const wrong = this.mismatch(inner, outer);
    if (wrong !== undefined) {
      throw new InputError(
        'snapshot',
        `snapshot: frame #${frame} (function ${outer.func} at ${outer.offset}): ${wrong}`,
      );
    }
    this.seen.add(pair);
  }

  /** Checks that the outermost frame belongs to the function that the phase starts. */
  checkBottom(site: FrameSite, { phase, call }: Pick<Snapshot, 'phase' | 'call'>, frame: number): void {
    if (phase.kind === 'call') {
      if (call !== undefined && this.leadsTo(this.resolve(call.instance, call.func), site)) return;
      throw this.notThe('called', site, frame);
    }
    const module = this.modules[phase.instance];
    const isMain = phase.instance === this.modules.length - 1;
    const func = phase.kind === 'start' ? module?.start : module && entryFunction(module, isMain)?.index;
    if (func === undefined) {
      throw new InputError('snapshot', `snapshot: phase: instance ${phase.instance} has no ${phase.kind} function`);
    }
    const target = this.resolve(phase.instance, func);
    if (!this.leadsTo(target, site)) {
      throw this.notThe(phase.kind, site, frame);
    }
    const type = this.typeOf(target);
    if (type.params.length + type.results.length > 0) {
      throw new InputError(
        'snapshot',
        `snapshot: frame #${frame}: the ${phase.kind} function has parameters or results`,
      );
    }
  }

  /** Checks that the outermost frame of the inner stack belongs to wag_snap_restored. */
  checkHook(site: FrameSite, frame: number): void {
    const hook = hookFunction(this.modules, this.references.identity);
    if (hook === undefined || !this.leadsTo(hook, site)) throw this.notThe('wag_snap_restored', site, frame);
  }

  private notThe(kind: string, { func, instance }: FrameSite, frame: number): InputError {
    const what = `function ${func} of instance ${instance} is not the ${kind} function`;
    return new InputError('snapshot', `snapshot: frame #${frame}: ${what}`);
  }

  private mismatch(inner: FrameSite, outer: FrameSite): string | undefined {
    const module = this.modules[outer.instance];
    const body = outer.func - module.importedFuncCount;
    const reader = new Reader(module.bytes, 'module', module.bodyStart[body] + outer.offset, module.bodyEnd[body]);
    const opcode = reader.u8();
    const callee = `function ${inner.func} of instance ${inner.instance}`;
    if (opcode === Op.Call || opcode === Op.ReturnCall) {
      const target = this.resolve(outer.instance, reader.u32());
      return this.leadsTo(target, inner)
        ? undefined
        : `calls function ${target.func} of instance ${target.instance}, but ${callee} is the next frame`;
    }
    if (INDIRECT.includes(opcode)) {
      const type = module.types[reader.u32()];
      const owner = this.modules[inner.instance];
      if (this.tailCalls.mayReplace(module, type, owner, this.typeOf(inner))) return undefined;
      if (!this.references.has(inner.instance, inner.func))
        return `${callee} cannot have been called through a table or a reference`;
      return isFuncSubtype(this.typeOf(inner), owner.types, type)
        ? undefined
        : `calls another type of function than that of ${callee}`;
    }
    return `instruction 0x${opcode.toString(16)} calls no function, but ${callee} is the next frame`;
  }

  /**
   * Whether a call of a function can leave `actual` on the stack: the function itself, or one that it has tail-called.
   */
  private leadsTo(called: FunctionName, actual: FunctionName): boolean {
    if (called.instance !== actual.instance) return false;
    if (called.func === actual.func) return true;
    const module = this.modules[called.instance];
    const isImport = called.func < module.importedFuncCount;
    return !isImport && this.tailCalls.mayReplace(module, this.typeOf(called), module, this.typeOf(actual));
  }

  /** The function of an index in an instance's index space. An imported function belongs to another instance. */
  private resolve(instance: number, func: number): FunctionName {
    return resolveFunction(this.references.identity, instance, func);
  }

  private typeOf({ instance, func }: FunctionName): FuncType {
    const module = this.modules[instance];
    return module.types[module.funcTypes[func]];
  }
}
