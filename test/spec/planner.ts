/**
 * Turns each command of a script into a verdict, where nothing has to run for it, or into a question to the image of
 * the script's instances.
 *
 * An assertion about a module that is not there (its own command has failed or was skipped) is skipped. Needs linker.ts
 * for what names mean, literals.ts for values.
 */

import { InputError, LimitError, ModuleError, WagSnapError } from '../../src/base/errors.js';
import type { CompiledImage } from '../../src/compile/link/compile.js';
import { ExternKind, ValType } from '../../src/wasm/module.js';
import type { ScriptModule } from '../support/wast.js';
import type { Reply, Request } from './driver.js';
import { checkModule, ScriptLinker } from './linker.js';
import { Literals, UnknownValue } from './literals.js';
import type { Action, Literal, ScriptCommand } from './script.js';
import { SPECTEST } from './spectest.js';
import { describeTrap, isTrap } from './traps.js';

/** Assembler, or one that takes its time. */
export type AnyAssembler = (module: ScriptModule, name: string) => Uint8Array | Promise<Uint8Array>;

export type Verdict = { readonly kind: 'passed' } | { readonly kind: 'failed' | 'skipped'; readonly reason: string };

export interface Question {
  /** Throws Error when the image has no such thing. */
  readonly ask: (image: CompiledImage) => Request;
  /** What is wrong with the reply; undefined when it is right. */
  readonly judge: (reply: Reply) => string | undefined;
}

export const PASSED: Verdict = { kind: 'passed' };
export const failed = (reason: string): Verdict => ({ kind: 'failed', reason });
const skipped = (reason: string): Verdict => ({ kind: 'skipped', reason });

/** Turns each command into a verdict or a question; must see them in the order of the script. */
export class Planner {
  readonly linker = new ScriptLinker();
  /** By name; the last one by none. */
  private readonly definitions = new Map<string | undefined, ScriptModule | undefined>();

  private constructor(
    private readonly script: string,
    private readonly literals: Literals,
    private readonly assemble: AnyAssembler,
  ) {}

  static async of(script: string, commands: readonly ScriptCommand[], assemble: AnyAssembler): Promise<Planner> {
    const planner = new Planner(script, await Literals.of(commands, assemble), assemble);
    const spectest = await assemble({ form: 'text', id: undefined, source: Buffer.from(SPECTEST) }, 'spectest');
    const { linker } = planner;
    linker.register('spectest', linker.add(checkModule(spectest, 'spectest'), 'spectest'));
    return planner;
  }

  async plan(command: ScriptCommand): Promise<Verdict | Question> {
    switch (command.kind) {
      case 'module':
        return this.planModule(command.module, this.where(command));
      case 'definition':
        return this.planDefinition(command.module, this.where(command));
      case 'instance':
        return this.planInstanceOf(command.id, command.of, this.where(command));
      case 'assert_uninstantiable':
        return this.planInstance(command.module, this.where(command), command.message);
      case 'register': {
        const instance = this.linker.find(command.module);
        this.linker.register(command.name, instance);
        return instance === undefined ? missing(command.module) : PASSED;
      }
      case 'action':
        return this.planAction(command.action, ({ trap }) => (trap === 0 ? undefined : describeTrap(trap)));
      case 'assert_return':
        return this.planAction(command.action, (reply) => this.judgeResults(reply, command.expected));
      case 'assert_trap':
      case 'assert_exhaustion':
        return this.planAction(command.action, judgeTrap(command.message));
      case 'assert_exception':
        return this.planAction(command.action, judgeTrap('uncaught exception'));
      case 'assert_invalid':
      case 'assert_malformed':
      case 'assert_unlinkable':
        return this.planRefusal(command.module, this.where(command), command.kind);
      case 'unknown':
        return skipped(`the runner does not know ${command.head}`);
    }
  }

  private where({ line }: ScriptCommand): string {
    return `${this.script}:${line}`;
  }

  private async planModule(module: ScriptModule, where: string): Promise<Verdict | Question> {
    this.linker.bind(module.id, undefined);
    return this.planInstance(module, where, undefined, (instance) => this.linker.bind(module.id, instance));
  }

  /** A module that later commands instantiate, or none. */
  private async planDefinition(source: ScriptModule, where: string): Promise<Verdict> {
    const { definitions } = this;
    for (const id of [source.id, undefined]) definitions.set(id, undefined);
    try {
      checkModule(await this.assemble(source, where), where);
    } catch (error) {
      return isUnsupported(error) ? skipped(messageOf(error)) : failed(messageOf(error));
    }
    for (const id of [source.id, undefined]) definitions.set(id, source);
    return PASSED;
  }

  private async planInstanceOf(
    id: string | undefined,
    of: string | undefined,
    where: string,
  ): Promise<Verdict | Question> {
    const source = this.definitions.get(of);
    this.linker.bind(id, undefined);
    return source === undefined ? missing(of) : this.planModule({ ...source, id }, where);
  }

  /** A module that gets instantiated, with the message of a trap when that is what must happen. */
  private async planInstance(
    source: ScriptModule,
    where: string,
    trapMessage: string | undefined,
    then: (instance: number) => void = () => {},
  ): Promise<Verdict | Question> {
    let instance: number;
    try {
      const module = checkModule(await this.assemble(source, where), where);
      const lacking = this.linker.lacks(module);
      if (lacking !== undefined) return missing(lacking);
      instance = this.linker.add(module, where);
    } catch (error) {
      return isUnsupported(error) ? skipped(messageOf(error)) : failed(messageOf(error));
    }
    then(instance);
    const judge = trapMessage === undefined ? judgeNoTrap : judgeTrap(trapMessage);
    return { ask: () => ({ kind: 'instantiate', instance }), judge };
  }

  /** A module that must be refused. Text that the parser refuses is: the text format is its business. */
  private async planRefusal(source: ScriptModule, where: string, kind: string): Promise<Verdict> {
    let bytes: Uint8Array;
    try {
      bytes = await this.assemble(source, where);
    } catch (error) {
      return kind === 'assert_unlinkable' ? failed(messageOf(error)) : PASSED;
    }
    const code = kind.slice('assert_'.length);
    try {
      const module = checkModule(bytes, where);
      if (kind === 'assert_unlinkable') {
        const lacking = this.linker.lacks(module);
        if (lacking !== undefined) return missing(lacking);
        this.linker.link(module, where);
      }
    } catch (error) {
      if (error instanceof ModuleError && (error.code === code || isWrongLayer(error, source))) return PASSED;
      return isUnsupported(error) ? skipped(messageOf(error)) : failed(`expected ${code}: ${messageOf(error)}`);
    }
    return failed(`expected ${code}, but it is accepted`);
  }

  private planAction(action: Action, judge: Question['judge']): Verdict | Question {
    const instance = this.linker.find(action.module);
    if (instance === undefined) return missing(action.module);
    let args: bigint[];
    try {
      args = action.args.flatMap((literal) => cells(literal, this.literals.bits(literal)));
    } catch (error) {
      if (error instanceof UnknownValue) return skipped(error.message);
      throw error;
    }
    const types = this.typesOf(instance, action);
    const ask = (image: CompiledImage): Request => {
      const { field } = action;
      if (action.kind === 'get') {
        const cell = image.globalCell(instance, field);
        if (cell === undefined) throw new Error(`there is no global ${JSON.stringify(field)}`);
        return { kind: 'read', cell, results: cellsOf(types) };
      }
      const record = image.functionRecord(instance, field);
      if (record === undefined) throw new Error(`there is no function ${JSON.stringify(field)}`);
      return { kind: 'invoke', record, args, results: cellsOf(types) };
    };
    return { ask, judge: ({ trap, values }) => judge({ trap, values: valuesOf(types, values) }) };
  }

  /** The types of what an action gives; none when there is no such thing. */
  private typesOf(instance: number, { kind, field }: Action): readonly ValType[] {
    const { exports, types, funcTypes, globals } = this.linker.module(instance);
    const found = exports.find(({ name }) => name === field);
    if (found?.kind === ExternKind.Global && kind === 'get') return [globals[found.index].type];
    return found?.kind === ExternKind.Func ? [...types[funcTypes[found.index]].results] : [];
  }

  private judgeResults({ trap, values }: Reply, expected: readonly (readonly Literal[])[]): string | undefined {
    if (trap !== 0) return describeTrap(trap);
    // NOTE: reading a global gives the word of its cell, whose upper half is not part of a 32-bit value.
    const right =
      values.length === expected.length &&
      expected.every((choices, i) => choices.some((choice) => this.literals.matches(choice, values[i])));
    return right ? undefined : `got ${values.map((value) => `0x${value.toString(16)}`).join(' ') || 'nothing'}`;
  }
}

/** An argument as the driver takes it: a v128 is two cells. */
function cells({ op }: Literal, bits: bigint): bigint[] {
  return op === 'v128.const' ? [BigInt.asUintN(64, bits), bits >> 64n] : [bits];
}

function cellsOf(types: readonly ValType[]): number {
  return types.length + types.filter((type) => type === ValType.V128).length;
}

/** Values from cells; of a call that has trapped there are none. */
function valuesOf(types: readonly ValType[], cells: readonly bigint[]): bigint[] {
  if (cells.length === 0) return [];
  let at = 0;
  return types.map((type) => {
    const low = cells[at++];
    return type === ValType.V128 ? low | (cells[at++] << 64n) : low;
  });
}

function judgeNoTrap({ trap }: Reply): string | undefined {
  return trap === 0 ? undefined : describeTrap(trap);
}

function judgeTrap(message: string): Question['judge'] {
  return ({ trap }) => (isTrap(trap, message) ? undefined : `expected ${message}, got ${describeTrap(trap)}`);
}

function missing(id: string | undefined): Verdict {
  return skipped(`there is no module ${id ?? 'before it'}`);
}

/**
 * Without data segments wabt writes no data count section, whatever the code uses; and a shared memory without a
 * maximum is no binary: malformed where the text is invalid. Sizes from 2^32 on are malformed text of WebAssembly 2.0,
 * and text of 3.0, of an invalid module.
 */
function isWrongLayer(error: ModuleError, { form }: ScriptModule): boolean {
  if (form === 'quote') return /memory size must be at most/.test(error.message);
  return form === 'text' && /data count section required|shared memory has a maximum/.test(error.message);
}

function isUnsupported(error: unknown): boolean {
  return error instanceof InputError && error.message.includes('not supported');
}

/** In one line, unless it is a bug: then with its stack. */
export function messageOf(error: unknown): string {
  if (error instanceof WagSnapError && (error instanceof InputError || error instanceof LimitError))
    return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
