/**
 * References of types that cannot be null, and of types that can be nothing but null, in every place of a snapshot: what
 * the type says is asked of globals, tables, exceptions, locals and operands alike.
 */

import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { SITE_LOOP } from '../../../src/image/contract/site-tables.js';
import { DataPatch } from '../../../src/image/data-patch.js';
import { readImage } from '../../../src/image/reader.js';
import { putInstances } from '../../../src/restore/instance-data.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { placeExceptions } from '../../../src/restore/placed-exceptions.js';
import { References } from '../../../src/restore/placed-references.js';
import { type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { ValType } from '../../../src/wasm/module.js';
import { erased } from '../../../src/wasm/ref-types.js';
import { readModule } from '../../../src/wasm/wat.js';

/** Heap types; whether null, and whether something else, is a value of a reference to it. */
const TYPES = [
  ['$open', true, true],
  ['$open', false, true],
  ['func', false, true],
  ['nofunc', true, false],
  ['extern', true, true],
  ['extern', false, true],
  ['noextern', true, false],
  ['any', true, false],
  ['i31', true, false],
  ['none', true, false],
  ['exn', true, true],
  ['exn', false, true],
  ['noexn', true, false],
] as const;

/** $held stops at two loops, with the type in a parameter, a local and an operand. */
async function program(heap: string, nullable: boolean) {
  const type = `(ref ${nullable ? 'null ' : ''}${heap})`;
  const first = nullable ? `(ref.null ${heap})` : '(ref.func $open)';
  // Nothing makes a reference to something of the host or to an exception before the program runs.
  const stored =
    nullable || first.includes(heap) || heap === 'func'
      ? `(global (mut ${type}) ${first}) (table 1 ${type} ${first}) (table 1 4 (ref null ${heap}))`
      : '';
  const module = await readModule(
    Buffer.from(`(module
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (type $open (sub (func)))
      (tag $tag (param ${type}))
      ${stored}
      (func $open (type $open))
      (elem declare func $open)
      (func $held (param ${type}) (local ${type})
        (local.get 0)
        (loop (drop (call $yield)))
        (local.set 1)
        (loop (drop (call $yield))))
      (func (export "_start"))
      (export "open" (func $open)) (export "held" (func $held)))`),
    'test.wat',
  );
  const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);
  return { module, image, references: new References(image.identity) };
}

const HELD = 2;
const NONE = new Uint8Array(0);

describe.each(TYPES)('%s, nullable: %s', async (heap, nullable, others) => {
  const { module, image, references } = await program(heap, nullable);
  const [type] = (module.types[module.tags[0]].exact ?? module.types[module.tags[0]]).params;
  const represented = erased(type);
  const NULL = [0, 0];
  // An exception that holds nothing stands for others.
  const other = represented === ValType.FuncRef ? [1, 1] : [1, 0];
  references.exceptions = Uint32Array.of(64);
  const good = nullable ? NULL : other;
  const may = (is: boolean, put: () => unknown) =>
    is ? expect(put).not.toThrow() : expect(put).toThrow(/is null, which|not null, which|of another type/);

  test('in an exception', () => {
    if (represented === ValType.ExnRef) return; // it would hold itself
    const put = (words: number[]) => () => {
      const exception = { instance: 0, tag: 0, types: Uint8Array.of(represented), words: Uint32Array.from(words) };
      placeExceptions([exception], [module], new References(image.identity), 0);
    };
    may(nullable, put(NULL));
    may(others, put(other));
  });

  describe.runIf(module.globals.length > 0)('of an instance', () => {
    const put = (global: number[], element: number[], phase: object) => () => {
      const table = { type: represented, max: 4 };
      const instance = {
        module: 0,
        globals: [{ type: represented, lo: global[0], hi: global[1] }],
        tables: [
          { ...table, elements: Uint32Array.from(element) },
          { ...table, elements: Uint32Array.from(NULL) },
        ],
        memories: [],
        droppedData: NONE,
        droppedElements: Uint8Array.of(0),
      };
      const snapshot = { instances: [instance], phase } as unknown as Snapshot;
      putInstances(snapshot, [module], references, new DataPatch(image));
    };
    const entry = { kind: 'entry', instance: 0 };

    test('in a global', () => {
      may(nullable, put(NULL, good, entry));
      may(others, put(other, good, entry));
    });

    test('in a table', () => {
      may(nullable, put(good, NULL, entry));
      may(others, put(good, other, entry));
    });

    test('in a table that has not been filled', () => {
      may(nullable, put(good, NULL, { kind: 'start', instance: 0 }));
      // The phase belongs to an instance before this one.
      may(true, put(good, NULL, { kind: 'start', instance: -1 }));
    });
  });

  const frame = (nth: number, values: number[][]) => () => {
    const sites = image.sites.sitesOf(image.sites.functionRow(1, HELD));
    const loops: number[] = [];
    for (let row = sites.first; row < sites.end; row++) {
      if (image.sites.site(row).kind === SITE_LOOP) loops.push(image.sites.site(row).bodyOffset);
    }
    const site = {
      instance: 0,
      func: HELD,
      kind: 'loop',
      offset: loops[nth],
      locals: Uint8Array.of(represented, represented),
      operands: Uint8Array.from(values.slice(2), () => represented),
    } satisfies FrameSite;
    const frames = new Frames([site], Uint32Array.of(0), Uint32Array.from(values.flat()));
    const call = { instance: 0, func: HELD, initialize: false, results: NONE, arguments: new Uint32Array(2) };
    const snapshot = { frames, phase: { kind: 'call', instance: 0 }, call } as unknown as Snapshot;
    lowerStack(snapshot, image, [module], references, x64);
  };

  test('in a parameter', () => {
    may(nullable, frame(1, [NULL, good]));
    may(others, frame(1, [other, good]));
  });

  test('in a local, before and after it has been set', () => {
    may(true, frame(0, [good, NULL, good]));
    may(others, frame(0, [good, other, good]));
    may(nullable, frame(1, [good, NULL]));
    may(others, frame(1, [good, other]));
  });

  test('in an operand', () => {
    // What is left on the stack is what the parameter is.
    may(nullable, frame(0, [NULL, NULL, NULL]));
    may(others, frame(0, [other, NULL, other]));
  });
});
