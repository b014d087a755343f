/**
 * Runs cases as native processes: many in one image, by the driver (src/runtime/process/driver.ts).
 *
 * When a process dies, the answers that it has not written yet are lost. Then every case is run in an image of its own.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompiledImage, compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { type SpecTarget, specTarget } from '../spec/targets.js';
import type { Outcome } from './outcome.js';
import type { Case } from './random-module.js';

const INSTANTIATE = 1;
const INVOKE = 2;
const QUIT = 4;
const TIMEOUT = 300_000; // milliseconds: it hangs

export interface NativeOptions {
  readonly deterministic: boolean;
  /** x64 by default. */
  readonly arch?: string;
  /** Another version of the compiler: src/compile/convention/variation.ts. */
  readonly variation?: number;
}

/** Outcomes of a case, or why there are none: it did not compile, or the process died. */
export type NativeResult = readonly Outcome[] | Error;

export class NativeRunner {
  private readonly folder = mkdtempSync(join(tmpdir(), 'wag-snap-fuzz-'));

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  run(cases: readonly Case[], options: NativeOptions): NativeResult[] {
    const together = this.attempt(cases, options);
    if (!(together instanceof Error)) return together;
    if (cases.length === 1) return [together];
    return cases.map((one) => {
      const result = this.attempt([one], options);
      return result instanceof Error ? result : result[0];
    });
  }

  private attempt(cases: readonly Case[], options: NativeOptions): Outcome[][] | Error {
    try {
      const image = compileCases(cases, options);
      const file = join(this.folder, 'image');
      writeImage(image, file);
      const [command, ...args] = [...cpu(options).launcher, file];
      const { stdout, stderr, status, signal } = spawnSync(command, args, {
        input: commands(cases, image),
        env: { WAGSNAP_DRIVER: '1' },
        timeout: TIMEOUT,
        maxBuffer: 1 << 28,
      });
      if (status !== 0) return new Error(`the process ended with ${signal ?? status}: ${stderr}`);
      return replies(cases, stdout);
    } catch (error) {
      return error as Error;
    }
  }
}

function cpu({ arch = 'x64' }: NativeOptions): SpecTarget {
  const found = specTarget(arch);
  if (found === undefined) throw new Error(`no such CPU: ${arch}`);
  return found;
}

export function compileCases(cases: readonly Case[], options: NativeOptions): CompiledImage {
  const inputs: ModuleInput[] = cases.flatMap(({ modules }) =>
    modules.map(({ name, bytes }) => ({ name, file: name, module: decodeModule(bytes, name) })),
  );
  const { deterministic, variation } = options;
  return compileImage(inputs, { target: cpu(options).target, deterministic, variation });
}

function commands(cases: readonly Case[], image: CompiledImage): Buffer {
  const parts: Buffer[] = [];
  let first = 1; // instance 0 is the host layer
  for (const { modules, steps } of cases) {
    for (let i = 0; i < modules.length; i++) parts.push(packed([INSTANTIATE, 1], [first + i, 4]));
    for (const { module, name, results, args } of steps) {
      const record = image.functionRecord(first + module, name)!;
      parts.push(packed([INVOKE, 1], [record, 4], [args.length, 4]));
      const values = Buffer.alloc(args.length * 8);
      for (const [i, arg] of args.entries()) values.writeBigUInt64LE(arg, i * 8);
      parts.push(values, packed([results.length, 4]));
    }
    first += modules.length;
  }
  parts.push(packed([QUIT, 1]));
  return Buffer.concat(parts);
}

function packed(...fields: [value: number, size: number][]): Buffer {
  const bytes = Buffer.alloc(fields.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [value, size] of fields) at = bytes.writeUIntLE(value, at, size);
  return bytes;
}

function replies(cases: readonly Case[], bytes: Buffer): Outcome[][] {
  let at = 0;
  const outcome = (results: number): Outcome => {
    const kind = bytes.readUInt8(at++);
    if (kind !== 0) return { traps: [kind], values: [] };
    const values = Array.from({ length: results }, (_, i) => bytes.readBigUInt64LE(at + i * 8));
    at += results * 8;
    return { traps: [], values };
  };
  return cases.map(({ modules, steps }) => {
    for (const { name } of modules) {
      if (outcome(0).traps.length > 0) throw new Error(`${name} could not be instantiated`);
    }
    return steps.map(({ results }) => outcome(results.length));
  });
}
