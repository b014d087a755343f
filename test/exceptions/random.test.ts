/** Random programs that throw and catch: their results, and whether an exception is uncaught, are as in V8. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { TRAP_DIVIDE_BY_ZERO, TRAP_EXCEPTION } from '../../src/image/contract/traps.js';
import { assemble } from '../../src/wasm/assemble.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { drive, type Reply, type Request } from '../spec/driver.js';
import { specTarget } from '../spec/targets.js';
import { canRun, temporaryFolder } from '../support/workload.js';
import { randomProgram, withReferences } from './random-program.js';

declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: Record<string, (...args: number[]) => number> };
  Exception: new (...args: never[]) => Error;
  RuntimeError: new () => Error;
};

const SEED = Number(process.env['WAGSNAP_SEED'] ?? 1);
const PROGRAMS = Number(process.env['WAGSNAP_PROGRAMS'] ?? 12);
const FUEL = 300;
const ARGUMENTS = [
  [0, 0],
  [1, 5],
  [-3, 2],
];
const CALLS = [0, 1, 2, 3, 4, 5].flatMap((f) => ARGUMENTS.map((args) => ({ name: `f${f}`, args })));

/** What each call gives in V8: a number, or the kind of its trap. */
function inV8(bytes: Uint8Array): Reply[] {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  return CALLS.map(({ name, args }) => {
    exports['fill'](FUEL);
    try {
      return { trap: 0, values: [BigInt.asUintN(32, BigInt(exports[name](...args)))] };
    } catch (error) {
      if (error instanceof WebAssembly.Exception) return { trap: TRAP_EXCEPTION, values: [] };
      if (error instanceof WebAssembly.RuntimeError) return { trap: TRAP_DIVIDE_BY_ZERO, values: [] };
      throw error;
    }
  });
}

async function natively(bytes: Uint8Array, arch: ArchName, path: string, variation?: number): Promise<Reply[]> {
  const image = compileImage([{ module: decodeModule(bytes), file: 'random' }], { target: targets[arch], variation });
  writeImage(image, path);
  const call = (name: string, args: readonly number[], results: number): Request => {
    const record = image.functionRecord(1, name)!;
    return { kind: 'invoke', record, args: args.map((value) => BigInt.asUintN(32, BigInt(value))), results };
  };
  const requests = CALLS.flatMap(({ name, args }) => [call('fill', [FUEL], 0), call(name, args, 1)]);
  const { launcher } = specTarget(arch)!;
  const { replies, death } = await drive([...launcher, path], [{ kind: 'instantiate', instance: 1 }, ...requests]);
  expect(death).toBeUndefined();
  return CALLS.map((_, i) => replies[2 + 2 * i]);
}

describe.each((['x64', 'arm64'] as const).filter(canRun))('random programs on %s', (arch) => {
  const folder = temporaryFolder();

  test(`seeds from ${SEED}`, async () => {
    let [returned, uncaught] = [0, 0];
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const delegates = seed % 2 === 0;
      const { legacy, table } = randomProgram(seed, delegates);
      const bytes = await assemble(Buffer.from(legacy), `seed ${seed}`);
      const expected = inV8(bytes);
      const path = join(folder, `${seed}`);
      expect(await natively(bytes, arch, path), `legacy form, seed ${seed}`).toEqual(expected);
      const varied = await natively(withReferences(bytes), arch, path, seed);
      expect(varied, `legacy form, variation, seed ${seed}`).toEqual(expected);
      if (!delegates) {
        const tableBytes = await assemble(Buffer.from(table), `seed ${seed}`);
        expect(await natively(tableBytes, arch, path), `table form, seed ${seed}`).toEqual(expected);
        const varied = await natively(withReferences(tableBytes), arch, path, seed);
        expect(varied, `table form, variation, seed ${seed}`).toEqual(expected);
      }
      returned += expected.filter(({ trap }) => trap === 0).length;
      uncaught += expected.filter(({ trap }) => trap === TRAP_EXCEPTION).length;
    }
    // So that it is about something.
    expect(returned).toBeGreaterThan(PROGRAMS);
    expect(uncaught).toBeGreaterThan(PROGRAMS / 4);
  });
});
