/** A backtrace of a linked component says which core module each function is in. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readProgram } from '../../src/api/read-program.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { printedFrames } from '../traps/backtrace.js';

const folder = temporaryFolder();

/** The second core module calls the first one, which drops a handle that there is not. */
const COMPONENT = `(component
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $type))
  (core func $drop (canon resource.drop $type))
  (core module $library
    (import "wasi" "drop" (func $drop (param i32)))
    (func (param i32) (call $drop (local.get 0)))
    (func (export "work") (param i32) (call 1 (local.get 0)) (call 1 (local.get 0))))
  (core module
    (import "library" "work" (func $work (param i32)))
    (func $inner (call $work (i32.const 7)) nop)
    (func (export "run") (result i32) (call $inner) (i32.const 0)))
  (core instance $a (instantiate $library (with "wasi" (instance (export "drop" (func $drop))))))
  (core instance $b (instantiate 1 (with "library" (instance $a))))
  (func $run (result (result)) (canon lift (core func $b "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))`;

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  test.skipIf(!canRun(arch))('names, exports, indexes', async () => {
    const { bytes } = await readProgram(Buffer.from(COMPONENT), 'component');
    const image = join(folder, `trap.${arch}`);
    await build(bytes, image, { arch });
    const { code, stderr } = await Workload.start(image).ended();
    expect(code).toBe(134);
    const names = Array.from(stderr.matchAll(/^ {2}#\d+ (.*) \(/gm), ([, name]) => name);
    expect(names.filter((name) => !name.startsWith('wasi!'))).toEqual([
      'resource_drop_error',
      'library!func-1',
      'library!work',
      'module-1!inner',
      'module-1!run',
      '_start',
    ]);
    expect(names).toContain('wasi!resource_drop_error');
    expect(printedFrames(stderr)).toHaveLength(names.length);
  });
});
