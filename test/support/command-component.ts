/**
 * A command component as tools make it from a module for preview 1: with an adapter, and a shim because the two need
 * each other. The adapter is a small one that knows two functions. Options give tests other components.
 */

import { assemble } from '../../src/wasm/assemble.js';
import { Sort } from '../../src/wasm/component/definitions.js';
import { ComponentWriter } from './component-writer.js';

export const MAIN = `(module $main
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (call $close (i32.const 99)))))`;

export const ADAPTER = `(module
  (import "env" "memory" (memory 0))
  (import "__main_module__" "_start" (func $start))
  (import "wasi:cli/exit@0.2.0" "exit" (func $exit (param i32)))
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "proc_exit") (param i32) (call $exit (i32.ne (local.get 0) (i32.const 0))))
  (func (export "wasi:cli/run@0.2.0#run") (result i32) (call $start) (i32.const 0)))`;

const SHIM = `(module
  (table (export "$imports") 2 2 funcref)
  (type $a (func (param i32) (result i32)))
  (type $b (func (param i32)))
  (func (export "0") (type $a) (call_indirect (type $a) (local.get 0) (i32.const 0)))
  (func (export "1") (type $b) (call_indirect (type $b) (local.get 0) (i32.const 1))))`;

const FIXUP = `(module
  (import "" "0" (func $0 (param i32) (result i32)))
  (import "" "1" (func $1 (param i32)))
  (import "" "$imports" (table 2 2 funcref))
  (elem (i32.const 0) func $0 $1))`;

export interface CommandOptions {
  /** Texts of the core modules. */
  readonly main?: string;
  readonly adapter?: string;
  readonly shim?: string;
  readonly fixup?: string;
  /** A further core module; it may import what `main` exports. */
  readonly further?: string;
  /** How often that is instantiated. */
  readonly furtherInstances?: number;
  /** Of the component's only import, and of what it exports; default: wasi:cli/exit@0.2.0, wasi:cli/run@0.2.0. */
  readonly import?: string;
  readonly export?: string;
  /** The adapter's exit comes from a component that is nested in it. */
  readonly virtual?: boolean;
  /** What runs has a post-return, the adapter's proc_exit. */
  readonly postReturn?: boolean;
  /** Further arguments of the main module: core instances that export nothing, by name. */
  readonly mainArgs?: readonly string[];
}

export async function commandComponent(options: CommandOptions = {}): Promise<Uint8Array> {
  const text = (module: string) => assemble(Buffer.from(module), 'core module');
  const to = new ComponentWriter();
  to.type(0x6a, 0, 0); // result
  // an instance with a type, outer 1 0, and exit: func(status: result)
  const label = (name: string) => [name.length, ...Buffer.from(name)];
  const exitFunction = [0x40, 1, ...label('status'), 0, 1, 0];
  const instanceType = to.type(0x42, 3, 2, 3, 2, 1, 0, 1, ...exitFunction, 4, 0, ...label('exit'), 1, 1);
  const wasi = to.import(options.import ?? 'wasi:cli/exit@0.2.0', Sort.Instance, 5, instanceType);
  const mainModule = to.coreModule(await text(options.main ?? MAIN));
  const adapterModule = to.coreModule(await text(options.adapter ?? ADAPTER));
  const shimModule = to.coreModule(await text(options.shim ?? SHIM));
  const fixupModule = to.coreModule(await text(options.fixup ?? FIXUP));
  const shim = to.coreInstance(shimModule);
  const trampolines = ['0', '1'].map((name) => to.coreAlias(Sort.CoreFunc, shim, name));
  const preview1 = to.coreExports(
    ['fd_close', Sort.CoreFunc, trampolines[0]],
    ['proc_exit', Sort.CoreFunc, trampolines[1]],
  );
  const none = to.coreExports();
  const more = Object.fromEntries((options.mainArgs ?? []).map((name) => [name, none]));
  const main = to.coreInstance(mainModule, { wasi_snapshot_preview1: preview1, ...more });
  const env = to.coreExports(['memory', Sort.CoreMemory, to.coreAlias(Sort.CoreMemory, main, 'memory')]);
  const start = to.coreExports(['_start', Sort.CoreFunc, to.coreAlias(Sort.CoreFunc, main, '_start')]);
  let exit = to.alias(Sort.Func, wasi, 'exit');
  if (options.virtual) {
    const inner = new ComponentWriter();
    inner.type(0x6a, 0, 0);
    inner.type(...exitFunction);
    const module = inner.coreModule(await text('(module (func (export "exit") (param i32)))'));
    const instance = inner.coreInstance(module);
    inner.export('exit', Sort.Func, inner.lift(inner.coreAlias(Sort.CoreFunc, instance, 'exit'), 1));
    exit = to.alias(Sort.Func, to.instance(to.component(inner)), 'exit');
  }
  const exits = to.coreExports(['exit', Sort.CoreFunc, to.lower(exit)]);
  const adapter = to.coreInstance(adapterModule, { env, __main_module__: start, 'wasi:cli/exit@0.2.0': exits });
  const actual = to.coreExports(
    ['0', Sort.CoreFunc, to.coreAlias(Sort.CoreFunc, adapter, 'fd_close')],
    ['1', Sort.CoreFunc, to.coreAlias(Sort.CoreFunc, adapter, 'proc_exit')],
    ['$imports', Sort.CoreTable, to.coreAlias(Sort.CoreTable, shim, '$imports')],
  );
  to.coreInstance(fixupModule, { '': actual });
  if (options.further !== undefined) {
    const further = to.coreModule(await text(options.further));
    for (let i = options.furtherInstances ?? 1; i > 0; i--) to.coreInstance(further, { main });
  }
  const post = options.postReturn ? to.coreAlias(Sort.CoreFunc, adapter, 'proc_exit') : undefined;
  const runs = to.coreAlias(Sort.CoreFunc, adapter, 'wasi:cli/run@0.2.0#run');
  const run = to.lift(runs, to.type(0x40, 0, 0, 0), post);
  const wrapper = new ComponentWriter();
  wrapper.type(0x6a, 0, 0);
  wrapper.type(0x40, 0, 0, 0);
  wrapper.export('run', Sort.Func, wrapper.import('import-func-run', Sort.Func, 1, 1));
  const exported = to.instance(to.component(wrapper), [['import-func-run', Sort.Func, run]]);
  to.export(options.export ?? 'wasi:cli/run@0.2.0', Sort.Instance, exported);
  return to.bytes;
}
