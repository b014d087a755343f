/** A linked module grows a memory and a table in its start function. Others ask for as much as there is then. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/api/index.js';
import { canRun, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();

/** Grows the memory to 3 pages and the table to 4 elements. */
const LIBRARY = `(module
  (memory (export "memory") 1 5) (table (export "table") 1 funcref)
  (func $start (drop (memory.grow (i32.const 2))) (drop (table.grow (ref.null func) (i32.const 3))))
  (start $start))`;

/** Ends with 10 times the memory's pages, and the table's elements. */
const program = (pages: number, elements: number) => `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "library" "memory" (memory ${pages})) (import "library" "table" (table ${elements} funcref))
  (func (export "_start") (call $exit (i32.add (i32.mul (memory.size) (i32.const 10)) (table.size)))))`;

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  const done = { code: 34, stderr: '' };
  const small = {
    code: 134,
    stderr: 'wasm trap: an imported memory or table is smaller than the module asks for\n',
  };

  test.skipIf(!canRun(arch)).each([
    [1, 1, done],
    [3, 4, done],
    [4, 4, small],
    [3, 5, small],
  ])('a memory of %i pages and a table of %i elements', async (pages, elements, expected) => {
    const name = join(folder, `${arch}-${pages}-${elements}`);
    writeFileSync(`${name}.wat`, program(pages, elements));
    writeFileSync(join(folder, 'library.wat'), LIBRARY);
    const image = await compile(`${name}.wat`, { arch, links: { library: join(folder, 'library.wat') } });
    await image.write(name);
    expect(await Workload.start(name).ended()).toMatchObject(expected);
  });
});
