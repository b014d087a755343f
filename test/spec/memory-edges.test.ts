/**
 * Accesses around the end of memories and around the ends of their address spaces, on both CPUs: every combination of
 * instruction, static offset and address, constant and not. What is out of bounds is told by arithmetic, not by V8,
 * which has no several memories yet, nor pages of a byte.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withBytePages } from '../support/byte-pages.js';
import { type Assembler, createAssembler, SCRIPT_FEATURES } from '../support/wast.js';
import { runScript } from './run-script.js';
import { ARCHES, specTarget } from './targets.js';

const PAGE = 65536n;

interface Memory {
  readonly name: string;
  readonly wide: boolean;
  readonly pages: bigint;
  /** Its pages are bytes. */
  readonly isSmall?: boolean;
  /** Of the memory as declared; it grows to `pages`. */
  readonly min: bigint;
}

/** Memory 0 has its own way of finding its address. */
const MEMORIES: readonly Memory[] = [
  { name: 'first', wide: true, pages: 1n, min: 1n },
  { name: 'narrow', wide: false, pages: 3n, min: 1n },
  { name: 'beyond', wide: true, pages: 0x10001n, min: 0n }, // a page more than 4 GiB
  { name: 'empty', wide: true, pages: 0n, min: 0n },
  { name: 'bytes', wide: false, pages: 3n * PAGE + 1003n, min: 5n, isSmall: true },
  { name: 'aligned', wide: false, pages: 2n * PAGE, min: PAGE + 1n, isSmall: true },
  { name: 'few', wide: false, pages: 3n, min: 3n, isSmall: true },
  { name: 'wide-bytes', wide: true, pages: (1n << 32n) + 4099n, min: 1n, isSmall: true },
  { name: 'none', wide: true, pages: 0n, min: 0n, isSmall: true },
];

interface Access {
  readonly op: string;
  readonly bytes: bigint;
  /** Of what is stored; loads have none and give `result` zeros. */
  readonly value?: string;
  readonly result?: string;
  readonly isAtomic?: boolean;
}

const ACCESSES: readonly Access[] = [
  { op: 'i32.load8_u', bytes: 1n, result: 'i32' },
  { op: 'i64.load16_s', bytes: 2n, result: 'i64' },
  { op: 'f32.load', bytes: 4n, result: 'f32' },
  { op: 'i64.load', bytes: 8n, result: 'i64' },
  { op: 'i32.store8', bytes: 1n, value: '(i32.const 0)' },
  { op: 'i64.store', bytes: 8n, value: '(i64.const 0)' },
  { op: 'v128.load', bytes: 16n, result: 'v128' },
  { op: 'v128.store', bytes: 16n, value: '(v128.const i64x2 0 0)' },
  { op: 'i64.atomic.load', bytes: 8n, result: 'i64', isAtomic: true },
  { op: 'i32.atomic.rmw16.add_u', bytes: 2n, value: '(i32.const 0)', result: 'i32', isAtomic: true },
  { op: 'i64.atomic.rmw.cmpxchg', bytes: 8n, value: '(i64.const 0) (i64.const 0)', result: 'i64', isAtomic: true },
];

const sizeOf = ({ pages, isSmall }: Memory) => (isSmall ? pages : pages * PAGE);

const OFFSETS = [0n, 1n, 8n, PAGE - 8n, PAGE, 1n << 31n, (1n << 32n) - 1n];
const OFFSETS_64 = [1n << 32n, (1n << 32n) + 8n, (1n << 36n) - 1n, 1n << 36n, 1n << 53n, 1n << 63n, (1n << 64n) - 8n];

function addresses(memory: Memory, offset: bigint, bytes: bigint): bigint[] {
  const { wide } = memory;
  const size = sizeOf(memory);
  const space = 1n << (wide ? 64n : 32n);
  const around = [
    0n,
    size - offset - bytes,
    size - offset,
    size - bytes,
    size,
    (size + PAGE - 1n) & ~(PAGE - 1n),
    space - offset,
    space - bytes,
    1n << 32n,
  ];
  const all = around.flatMap((edge) => [edge - 8n, edge - 1n, edge, edge + 1n]);
  return [...new Set(all)].filter((address) => address >= 0n && address < space);
}

/** A script whose commands are all assertions but for the first two. */
function scriptFor(memory: Memory): string {
  const type = memory.wide ? 'i64' : 'i32';
  const size = sizeOf(memory);
  const functions: string[] = [];
  const assertions: string[] = [];
  for (const access of ACCESSES) {
    const { op, bytes, value = '', result, isAtomic = false } = access;
    const results = result === undefined ? '' : `(result ${result})`;
    const expected = result === undefined ? '' : `(${result}.const ${result === 'v128' ? 'i64x2 0 0' : '0'})`;
    for (const offset of memory.wide ? [...OFFSETS, ...OFFSETS_64] : OFFSETS) {
      const body = (address: string) => `(${op} $${memory.name} offset=${offset} ${address} ${value})`;
      const name = `${op} ${offset}`;
      functions.push(`(func (export "${name}") (param ${type}) ${results} ${body('(local.get 0)')})`);
      functions.push(`(func (export "${name}+") (param ${type}) ${results}
        ${body(`(${type}.add (local.get 0) (${type}.const 0))`)})`);
      for (const address of addresses(memory, offset, bytes)) {
        const at = address + offset;
        const constant = `(${type}.const ${address})`;
        functions.push(`(func (export "${name} ${address}") ${results} ${body(constant)})`);
        const trap =
          isAtomic && at % bytes !== 0n
            ? 'unaligned atomic'
            : at + bytes > size
              ? 'out of bounds memory access'
              : undefined;
        for (const call of [`"${name}" ${constant}`, `"${name}+" ${constant}`, `"${name} ${address}"`]) {
          if (trap === undefined) assertions.push(`(assert_return (invoke ${call}) ${expected})`);
          else assertions.push(`(assert_trap (invoke ${call}) "${trap}")`);
        }
      }
    }
  }
  const memories = MEMORIES.map(({ name, wide, pages, min }) => {
    return `(memory $${name} ${wide ? 'i64' : ''} ${min} ${pages})`;
  });
  const { name, pages, min } = memory;
  const grow = `(func (export "grow") (result ${type}) (memory.grow $${name} (${type}.const ${pages - min})))`;
  return `(module ${memories.join('\n')} ${grow} ${functions.join('\n')})
    (assert_return (invoke "grow") (${type}.const ${min}))
    ${assertions.join('\n')}`;
}

describe.each(ARCHES)('edges of memories, %s', (arch) => {
  const target = specTarget(arch);
  if (target === undefined) {
    it.skip('was not run: install qemu-user-static', () => {});
    return;
  }
  let assemble: Assembler;
  let folder: string;

  beforeAll(async () => {
    const byWabt = await createAssembler(SCRIPT_FEATURES);
    assemble = (module, name) => withBytePages(byWabt(module, name), (i) => MEMORIES[i].isSmall === true);
    folder = mkdtempSync(join(tmpdir(), 'wagsnap-edges-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(MEMORIES)('$name', async (memory) => {
    const result = await runScript(memory.name, Buffer.from(scriptFor(memory)), { target, assemble, folder });
    expect(result.failures.slice(0, 10)).toEqual([]);
    expect(result.passed).toBe(result.assertions);
    expect(result.passed).toBeGreaterThan(1000);
  });

  it('offsets that are written in more bytes than they need', async () => {
    const offset = '\\85\\80\\80\\80\\80\\80\\80\\80\\80\\00';
    const script = `(module binary "\\00asm\\01\\00\\00\\00"
        "\\01\\06\\01\\60\\01\\7f\\01\\7f" "\\03\\02\\01\\00" "\\05\\03\\01\\00\\01" "\\07\\05\\01\\01f\\00\\00"
        "\\0a\\12\\01\\10\\00\\20\\00\\2d\\00" "${offset}" "\\0b"
        "\\0b\\07\\01\\00\\41\\08\\0b\\01A")
      (assert_return (invoke "f" (i32.const 3)) (i32.const 65))
      (assert_return (invoke "f" (i32.const 4)) (i32.const 0))
      (assert_trap (invoke "f" (i32.const 65531)) "out of bounds memory access")`;
    const result = await runScript('long', Buffer.from(script), { target, assemble, folder });
    expect(result.failures).toEqual([]);
    expect(result.passed).toBe(3);
  });
});
