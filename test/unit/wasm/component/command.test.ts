/** Which components are programs: those made of a module for preview 1 and an adapter; the others are refused by name. */

import { expect, test } from 'vitest';
import { loadInterfaces } from '../../../../src/api/interfaces.js';
import { InputError } from '../../../../src/base/errors.js';
import { assemble } from '../../../../src/wasm/assemble.js';
import { commandModule, findCommand } from '../../../../src/wasm/component/command.js';
import { CoreFunctions } from '../../../../src/wasm/component/core-functions.js';
import { decodeComponent } from '../../../../src/wasm/component/decode.js';
import { flattenExit } from '../../../../src/wasm/component/flatten-exit.js';
import { instantiate } from '../../../../src/wasm/component/instantiate.js';
import { linkedProgram } from '../../../../src/wasm/component/native.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { ADAPTER, type CommandOptions, commandComponent, MAIN } from '../../../support/command-component.js';

test('the module is the main one, and ends as the component does', async () => {
  const main = await assemble(Buffer.from(MAIN), 'main');
  const given = Buffer.from(await commandComponent());
  const before = Buffer.from(given);
  const { bytes, file } = commandModule(given, 'it.wasm', loadInterfaces);
  expect(given.equals(before)).toBe(true);
  expect(file).toMatch(/^it\.wasm: core module at 0x[0-9a-f]+$/);
  expect(bytes.length).toBe(main.length);
  const [module, original] = [decodeModule(bytes), decodeModule(main)];
  expect(module.imports.map((entry) => `${entry.module}.${entry.name}`)).toEqual([
    'wasi_snapshot_preview1.fd_close',
    'wag_snap.proc_exit_for_component',
  ]);
  expect(module.bodyStart).toEqual(original.bodyStart);
});

const DIRECT = MAIN.replace('(memory', '(import "wasi:cli/stdout@0.2.0" "get-stdout" (func))\n  (memory');
const LIBRARY = MAIN.replace('(memory', '(import "env" "sin" (func))\n  (memory');

/** What is different, and what the refusal says. */
const REFUSED: readonly (readonly [name: string, options: CommandOptions, says: string])[] = [
  ['another import', { import: 'my:own/thing' }, 'its import my:own/thing is not of WASI 0.2'],
  [
    'no run',
    { export: 'my:own/run' },
    'a component that exports my:own/run; one of the world wasi:cli/command exports',
  ],
  ['run of WASI 0.3', { export: 'wasi:cli/run@0.3.0' }, 'a component of the world wasi:cli/command@0.3.0'],
  ['a proxy', { export: 'wasi:http/incoming-handler@0.2.3' }, 'a component of the world wasi:http/proxy@0.2.3'],
  ['virtual WASI', { virtual: true }, 'wasi:cli/exit@0.2.0.exit comes from another component'],
  [
    'an interface of WASI 0.2',
    { main: DIRECT, mainArgs: ['wasi:cli/stdout@0.2.0'] },
    'its main core module imports wasi:cli/stdout@0.2.0.get-stdout: an interface of WASI 0.2, without the adapter',
  ],
  ['a library', { main: LIBRARY, mainArgs: ['env'] }, 'its main core module imports env.sin: another core module'],
  [
    'another function of the adapter',
    {
      fixup: `(module
        (import "" "0" (func $0 (param i32) (result i32)))
        (import "" "1" (func $1 (param i32)))
        (import "" "$imports" (table 2 2 funcref))
        (elem (i32.const 0) func $1 $0))`,
    },
    "wasi_snapshot_preview1.fd_close is not the adapter's",
  ],
  [
    'a shim that does something',
    {
      shim: `(module
        (table (export "$imports") 2 2 funcref)
        (type $a (func (param i32) (result i32)))
        (type $b (func (param i32)))
        (func (export "0") (type $a) (call_indirect (type $a) (i32.const 7) (i32.const 0)))
        (func (export "1") (type $b) (call_indirect (type $b) (local.get 0) (i32.const 1))))`,
    },
    "wasi_snapshot_preview1.fd_close is not the adapter's",
  ],
  [
    'a start function',
    { further: '(module (func $f) (start $f))' },
    'it has a further core module with a start function',
  ],
  [
    'a further module with data for it',
    { further: '(module (import "main" "memory" (memory 1)) (data (i32.const 8) "a"))' },
    'a further core module writes to the main one',
  ],
  [
    'an adapter with data for it',
    { adapter: ADAPTER.replace('(func (export "fd_close")', '(data (i32.const 8) "a") (func (export "fd_close")') },
    'a further core module writes to the main one',
  ],
  [
    'a further module with elements for it',
    {
      main: MAIN.replace('(memory', '(table (export "table") 1 funcref) (memory'),
      further: '(module (import "main" "table" (table 1 funcref)) (func $f) (elem (i32.const 0) func $f))',
    },
    'a further core module writes to the main one',
  ],
  ['a post-return', { postReturn: true }, 'wasi:cli/run@0.2.0 has a post-return'],
  [
    'its own run',
    {
      adapter: `(module
        (func (export "fd_close") (param i32) (result i32) (i32.const 8))
        (func (export "proc_exit") (param i32))
        (func (export "wasi:cli/run@0.2.0#run") (result i32) (i32.const 0)))`,
    },
    'its core module has wasi:cli/run itself, as programs that are made for WASI 0.2 do',
  ],
];

const reading = (bytes: Uint8Array) => {
  const component = decodeComponent(bytes, 'it.wasm');
  const graph = instantiate(component);
  return findCommand(component, graph, new CoreFunctions(component, graph));
};

test.each(REFUSED)('the main module is not all: %s', async (_name, options, says) => {
  const bytes = await commandComponent(options);
  const refusal = refusalOf(() => reading(bytes));
  expect(refusal.code).toBe('unsupported');
  expect(refusal.headline).toContain(says);
});

test.each(['my:own/thing', 'wasi:cli/exit@0.3.0', 'wasi:http/types@0.2.0'])(
  'what nothing provides stays an import: %s',
  async (name) => {
    const { bytes, missing } = commandModule(await commandComponent({ import: name }), 'it.wasm', loadInterfaces);
    expect(missing).toEqual([`${name} exit`]);
    const left = decodeModule(bytes).imports.filter(({ module }) => module !== 'wasi_snapshot_preview1');
    expect(left).toMatchObject([{ module: name, name: 'exit' }]);
  },
);

/** Why a component cannot be linked as it is. */
test.each<readonly [name: string, options: CommandOptions, says: string]>([
  [
    'no run',
    { export: 'my:own/run' },
    'a component that exports my:own/run; one of the world wasi:cli/command exports',
  ],
  ['run of WASI 0.3', { export: 'wasi:cli/run@0.3.0' }, 'a component of the world wasi:cli/command@0.3.0'],
  ['a proxy', { export: 'wasi:http/incoming-handler@0.2.3' }, 'a component of the world wasi:http/proxy@0.2.3'],
  ['virtual WASI', { virtual: true }, 'calls between components (of exit)'],
])('refused: %s', async (_name, options, says) => {
  const bytes = await commandComponent(options);
  const refusal = refusalOf(() => commandModule(bytes, 'it.wasm', loadInterfaces));
  expect(refusal.code).toBe('unsupported');
  expect(refusal.headline).toMatch(/^it\.wasm: offset 0x[0-9a-f]+: not supported yet: /);
  expect(refusal.headline).toContain(says);
});

function refusalOf(run: () => unknown): InputError {
  try {
    run();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

test('lengths of names may take more bytes than they need', () => {
  const text = (name: string, ...length: number[]) => [...length, ...Buffer.from(name)];
  const names = [
    ...text('wasi_snapshot_preview1', 22 | 0x80, 0x80, 0),
    ...text('proc_exit', 9 | 0x80, 0x80, 0x80, 0x80, 0),
  ];
  const other = [...text('wasi_snapshot_preview1', 22), ...text('sched_yield', 11)];
  const imports = [2, ...names, 0, 0, ...other, 0, 0];
  const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 2, imports.length, ...imports];
  const module = decodeModule(flattenExit(Uint8Array.from(bytes), 'm'));
  expect(module.imports.map((entry) => `${entry.module}.${entry.name}`)).toEqual([
    'wag_snap.proc_exit_for_component',
    'wasi_snapshot_preview1.sched_yield',
  ]);
  expect(module.bytes.length).toBe(bytes.length);
});

test.each([
  [
    'several of one module',
    [0x7f],
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    [],
  ],
  ['several of one type', [0x7e, 0, 0], [[], [], []], []],
  ['of two forms', [0x7e, 0, 0], [[], [], []], [[0x01, 0x61, 0x01, 0x62, 0, 0]]],
])('compact imports become single ones: %s', (_name, form, types, before) => {
  const text = (name: string) => [name.length, ...Buffer.from(name)];
  const names = ['fd_close', 'proc_exit', 'sched_yield'];
  const items = names.flatMap((name, i) => [...text(name), ...types[i]]);
  const group = [...text('wasi_snapshot_preview1'), 0, ...form, names.length, ...items];
  const imports = [before.length + 1, ...before.flat(), ...group];
  const functions = [3, 2, 1, 0, 10, 4, 1, 2, 0, 11];
  const types0 = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0];
  const module = decodeModule(
    flattenExit(Uint8Array.from([...types0, 2, imports.length, ...imports, ...functions]), 'm'),
  );
  expect(module.imports.map((entry) => `${entry.module}.${entry.name}`)).toEqual([
    ...before.map(() => 'a.b'),
    'wasi_snapshot_preview1.fd_close',
    'wag_snap.proc_exit_for_component',
    'wasi_snapshot_preview1.sched_yield',
  ]);
  expect(Array.from(module.bytes.subarray(module.bodyStart[0], module.bodyEnd[0]))).toEqual([0, 11]);
});

test('a module that is instantiated too often is a limit', async () => {
  const big = `(module (memory 1) (data (i32.const 0) "${'x'.repeat(60_000)}"))`;
  const bytes = await commandComponent({
    further: big,
    furtherInstances: 200,
    virtual: false,
    export: 'wasi:cli/run@0.2.0',
  });
  const linked = () =>
    linkedProgram(decodeComponent(bytes, 'it.wasm'), instantiate(decodeComponent(bytes, 'it.wasm')), loadInterfaces());
  expect(linked).toThrow(/^it\.wasm: its core instances have \d+ bytes, which exceeds \d+ \(linkedBytes\)$/);
});

test('a further core module that does nothing is left out', async () => {
  const further = '(module (memory 1) (data (i32.const 8) "a") (func $f))';
  const { bytes } = commandModule(await commandComponent({ further }), 'it.wasm', loadInterfaces);
  expect(decodeModule(bytes).names?.module).toBe('main');
});
