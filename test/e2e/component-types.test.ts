/** What a component's types say: a function that is not there, or is not what the world says, is invalid. */

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../support/command.js';
import { temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const tool = resolve(import.meta.dirname, '../../bin/wag-snap');
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };

interface Parts {
  readonly interface?: string;
  readonly declared?: string;
  readonly used?: string;
  readonly type?: string;
  readonly core?: string;
  readonly call?: string;
  /** Of the core function that is run. */
  readonly params?: string;
  readonly result?: string;
  readonly runType?: string;
  /** The body of what is called after it. */
  readonly post?: string;
}

/** A command that calls one function of an interface, without a memory. */
const component = ({
  interface: name = 'wasi:clocks/monotonic-clock',
  declared = 'now',
  used = declared,
  type = '(result u64)',
  core = '(result i64)',
  call = '(drop (call $f))',
  params = '',
  result = '0',
  runType = '(result (result))',
  post,
}: Parts) => `(component
  (import "${name}@0.2.0" (instance $given (export "${declared}" (func ${type}))))
  (core module $m
    (import "given" "f" (func $f ${core}))
    (func (export "run") ${params} (result i32) ${call} (i32.const ${result}))
    ${post === undefined ? '' : `(func (export "post") (param i32) ${post})`})
  (alias export $given "${used}" (func $f))
  (core func $lowered (canon lower (func $f)))
  (core instance $i (instantiate $m (with "given" (instance (export "f" (func $lowered))))))
  (func $run ${runType} (canon lift (core func $i "run") ${post === undefined ? '' : '(post-return (core func $i "post"))'}))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))`;

const BYTES: Parts = {
  interface: 'wasi:random/random',
  declared: 'get-random-bytes',
  type: '(param "len" u64) (result (list u8))',
  core: '(param i64 i32)',
  call: '(call $f (i64.const 9) (i32.const 8))',
};

test.each<[string, Parts, number, string]>([
  ['all is well', {}, 0, ''],
  ['an error', { result: '1' }, 1, ''],
  ['a result that there is not', { result: '2' }, 134, 'wasm trap: unreachable'],
  ['a function that copies, without a memory', BYTES, 3, 'get-random-bytes needs the canonical option memory'],
  [
    'a function of another type',
    { type: '(result u32)', core: '(result i32)' },
    3,
    'incompatible import type: wasi:clocks/monotonic-clock@0.2.0 now is () -> u32, expected () -> u64',
  ],
  ['a function that the import does not have', { used: 'then' }, 3, 'has no export then: wasi:clocks/monotonic-clock'],
  [
    'run with a parameter',
    { runType: '(param "a" u32) (result (result))', params: '(param i32)' },
    3,
    'is not a function without parameters',
  ],
  [
    'a core function with a parameter',
    { params: '(param i32)' },
    3,
    'lifted function: core function () i32 expected, (i32) i32 given',
  ],
  ['run of another result', { runType: '(result u32)' }, 3, 'is not a function without parameters that gives a result'],
  ['run with a value', { runType: '(result (result u32))' }, 3, 'a lifted function needs the canonical option memory'],
  [
    'an interface of the name of a function of ours',
    { interface: 'wasi:resource-drop', declared: 'error', type: '(param "a" u32)', core: '(param i32)', call: '' },
    3,
    'wasi:resource-drop@0.2.0',
  ],
  [
    'an interface whose function has the name of one of ours',
    { interface: 'wasi:resource/drop', declared: 'network', type: '(param "a" u32)', core: '(param i32)', call: '' },
    3,
    'unknown import: wasi:resource/drop@0.2.0.network',
  ],
  [
    'a post-return, which gets the result',
    { result: '1', post: '(if (i32.ne (local.get 0) (i32.const 1)) (then unreachable))' },
    1,
    '',
  ],
  ['a post-return that traps', { post: 'unreachable' }, 134, 'wasm trap: unreachable'],
  ['a post-return that calls the world', { post: '(drop (call $f))' }, 134, 'wasm trap: unreachable'],
])('%s', async (name, parts, status, says) => {
  const file = `${name.replaceAll(' ', '-')}.wat`;
  writeFileSync(join(folder, file), component(parts));
  const ended = await command(tool, ['run', file], { cwd: folder, env });
  expect(ended.stderr).toContain(says);
  expect(ended.status).toBe(status);
});
