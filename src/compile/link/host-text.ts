/**
 * What every image's text begins with: the stubs that need nothing, and the host layer's functions. Nothing in it
 * depends on the guest, but for the distance to DATA, which is moved when it is appended. So the build makes it once
 * (host-text-file.ts); here it is made where that cannot serve.
 */

import { CodeReferences, type References } from '../../arch/masm/code-references.js';
import type { MacroAssembler } from '../../arch/masm/masm.js';
import type { Target } from '../../arch/masm/target.js';
import { BugError } from '../../base/errors.js';
import type { InstanceLayout } from '../../image/instance-layout.js';
import { HandlerTable } from '../../image/tables/handler-table.js';
import { type SiteRows, SiteTables } from '../../image/tables/site-tables.js';
import type { CodeEnvironment } from '../convention/environment.js';
import { FUNCTION_ALIGN } from '../convention/function-align.js';
import type { Variation } from '../convention/variation.js';
import type { CodeGenerator } from '../generator.js';
import { type BlockingWindow, emitBlockingSyscall } from '../stubs/blocking-syscall.js';
import { emitCallC } from '../stubs/call-c.js';
import type { StubContext } from '../stubs/context.js';
import { emitInvoke, emitLand, emitResume, emitUnwind } from '../stubs/guest-entry.js';
import { emitSignalReturn } from '../stubs/signal.js';
import { inFunction } from './bodies.js';
import { hostConstants } from './constant-globals.js';
import { DATA_START } from './data-layout.js';
import type { LinkedInstance } from './linked-instance.js';
import { type Stub, StubTable } from './stub-table.js';

/** Text from offset 0 on, made as if TEXT lay at image offset 0. */
export interface HostText {
  readonly code: Uint8Array<ArrayBuffer>;
  readonly references: References;
  /** Of the host layer's defined functions. */
  readonly functionOffsets: Int32Array<ArrayBuffer>;
  readonly stubs: readonly Stub[];
  readonly windows: readonly BlockingWindow[];
  readonly sites: SiteRows;
}

export interface HostTextOptions {
  readonly target: Target;
  readonly generator: CodeGenerator;
  readonly variation?: Variation | undefined;
}

/** The host layer as instance 0 of an image. */
export type HostInstance = Pick<LinkedInstance, 'module' | 'file'> & { readonly layout: InstanceLayout };

/** Bytes of code to expect for each byte of the module. */
const EXPANSION = 3;

export function stubContext(masm: MacroAssembler, layout: InstanceLayout): StubContext {
  return { masm, runtimeBlock: DATA_START, thread: DATA_START, hostInstance: layout.start };
}

/** What the host layer's functions are compiled with. */
export function hostEnvironment(
  { module }: HostInstance,
  { target, variation }: HostTextOptions,
  stubs: StubTable,
  sites: SiteTables | undefined,
  emitWindow: () => void,
): CodeEnvironment {
  const guestOnly = (): never => {
    throw new BugError('only guests have thunks, tags and builtins');
  };
  return {
    isHost: true,
    deterministic: false,
    sites,
    handlers: new HandlerTable(),
    variation,
    tailSlots: 0,
    tagRecord: guestOnly,
    thunkOffset: guestOnly,
    builtinOffset: guestOnly,
    stubOffset: (name) => stubs.offset(name),
    emitBlockingSyscall: emitWindow,
    constantGlobal: hostConstants(module, target),
  };
}

/** Yields after each function. */
export function* compileHostText(host: HostInstance, options: HostTextOptions): Generator<void, HostText> {
  const { target, generator, variation } = options;
  const { module, layout, file } = host;
  const masm = target.createAssembler(EXPANSION * module.bytes.length, variation?.plan(target.plan));
  masm.imageStart = 0;
  masm.references = new CodeReferences();
  const sites = new SiteTables();
  sites.shapes.startLog();
  const context = stubContext(masm, layout);
  const stubs = new StubTable(masm, sites);
  stubs.emit('call_c', () => emitCallC(context));
  stubs.emit('invoke', () => emitInvoke(context));
  stubs.emit('resume', () => emitResume(context));
  stubs.emit('land', () => emitLand(context));
  stubs.emit('unwind', () => emitUnwind(context));
  stubs.emit('signal_return', () => emitSignalReturn(context, target.hostConstants.SYS_rt_sigreturn));
  const windows: BlockingWindow[] = [];
  const environment = hostEnvironment(host, options, stubs, sites, () => windows.push(emitBlockingSyscall(context)));
  const code = generator.begin(masm, { module, layout, environment, file });
  const count = module.funcTypes.length - module.importedFuncCount;
  const order = variation?.order(count);
  for (let i = 0; i < count; i++) {
    masm.align(FUNCTION_ALIGN);
    const funcIndex = module.importedFuncCount + (order?.[i] ?? i);
    try {
      code.compile(funcIndex);
    } catch (error) {
      throw inFunction(error, file, funcIndex);
    }
    yield;
  }
  code.link();
  return {
    code: masm.code().slice() as Uint8Array<ArrayBuffer>,
    references: masm.references.list(),
    functionOffsets: code.functionOffsets.slice() as Int32Array<ArrayBuffer>,
    stubs: stubs.list(),
    windows,
    sites: sites.rows(),
  };
}
