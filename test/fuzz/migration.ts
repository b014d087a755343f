/**
 * Random modules captured at random safepoints of their run and restored, perhaps for another CPU or by another version of
 * the compiler. The snapshot must have every value that an interpreter has at that safepoint: so the site tables describe
 * all there is, and rightly. What both halves print must be what V8 says: so restoring misses nothing.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { compileImage } from '../../src/compile/compile.js';
import { writeImage } from '../../src/compile/image/write-file.js';
import { type ImageDescription, readImage } from '../../src/compile/metadata/image-reader.js';
import { decodeModule } from '../../src/compile/wasm/decode.js';
import { ExternKind, type Module } from '../../src/compile/wasm/module.js';
import { ToolError } from '../../src/errors.js';
import { writeResumable } from '../../src/restore/restore.js';
import { capturePid } from '../../src/snapshot/capture.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { specTarget } from '../spec/targets.js';
import { Choices } from './choices.js';
import { NanMode } from './code.js';
import { compareSnapshot } from './compare-snapshot.js';
import { Interpreter } from './interpreter.js';
import { link, type Memory } from './machine.js';
import { expectedOutput, mainModule, withoutTraps } from './main-module.js';
import type { Raw } from './numeric-oracle.js';
import { Process } from './process.js';
import { randomCase } from './random-module.js';
import type { Sizes } from './shape.js';

export interface MigrationOptions {
  readonly sizes: Sizes;
  /** How many captures of each case. */
  readonly captures: number;
  /** CPUs to restore for. */
  readonly arches: readonly string[];
}

export interface MigrationResult {
  readonly failures: string[];
  /** Captures that were made and restored. */
  readonly migrated: number;
}

interface Image {
  readonly path: string;
  readonly arch: string;
  readonly variation: number | undefined;
  readonly modules: readonly Module[];
  readonly description: ImageDescription;
}

/** About the 1000th safepoint is the last that is tried: each one passed costs a signal. */
const FARTHEST = 1000;

export async function migrateCase(seed: number, folder: string, options: MigrationOptions): Promise<MigrationResult> {
  const { sizes, captures, arches } = options;
  const choices = new Choices(seed ^ 0x5bd1e995);
  const { one, expected } = withoutTraps(randomCase(seed, { sizes, nan: NanMode.Guarded }));
  const modules = [...one.modules, mainModule(one)];
  const decoded = modules.map(({ name, bytes }) => decodeModule(bytes, name || 'main'));
  const output = expectedOutput(expected);
  const image = (name: string, arch: string, variation?: number): Image => {
    const inputs = modules.map(({ name: called }, i) => ({ name: called, file: called || 'main', module: decoded[i] }));
    const compiled = compileImage(inputs, { target: specTarget(arch)!.target, variation });
    const path = join(folder, name);
    writeImage(compiled, path);
    return { path, arch, variation, modules: decoded, description: readImage(compiled.bytes) };
  };
  const source = image('source', 'x64', choices.oneIn(2) ? choices.next(1000) : undefined);
  const targets = arches.map((arch) =>
    image(`target-${arch}`, arch, choices.oneIn(2) ? choices.next(1000) : undefined),
  );

  const failures: string[] = [];
  let migrated = 0;
  let farthest = FARTHEST;
  for (let i = 0; i < captures; i++) {
    const n = 1 + choices.next(farthest);
    const target = choices.pick(targets);
    const label = `seed ${seed}, safepoint ${n}, ${name(source)} to ${name(target)}`;
    const halves = await migrate(source, target, n, folder);
    if (halves === 'ended') {
      farthest = Math.max(1, n - 1);
      continue;
    }
    migrated++;
    const interpreter = interpret(
      decoded,
      modules.map((module) => module.name),
      n,
    );
    const wrong = interpreter && compareSnapshot(readSnapshot(join(folder, 'snapshot')), interpreter);
    if (wrong === undefined) failures.push(`${label}: the interpreter has fewer safepoints`);
    else if (wrong.length > 0) failures.push([label, ...wrong].join('\n'));
    if (halves instanceof Error) failures.push(`${label}: ${halves.stack}`);
    else if (!halves.equals(output)) failures.push(`${label}: ${difference(halves, output)}`);
  }
  return { failures, migrated };
}

/** One buffer; the interpreter prints nothing. */
function fdWrite({ view }: Memory, args: readonly Raw[]): Raw[] {
  const [, buffers, , written] = args.map(Number);
  view.setUint32(written, view.getUint32(buffers + 4, true), true);
  return [0];
}

/** An interpreter at the n-th safepoint; undefined when there are fewer. */
function interpret(modules: readonly Module[], names: readonly string[], n: number): Interpreter | undefined {
  const instances = link(modules, names, { fd_write: fdWrite });
  const main = instances[instances.length - 1];
  const interpreter = new Interpreter(instances);
  return interpreter.run(main.functions[main.find('_start', ExternKind.Func)], n) ? interpreter : undefined;
}

function name({ arch, variation }: Image): string {
  return variation === undefined ? arch : `${arch} variation ${variation}`;
}

/** What the two halves print; or 'ended' when the run has fewer safepoints. */
async function migrate(source: Image, target: Image, n: number, folder: string): Promise<Buffer | Error | 'ended'> {
  const snapshot = join(folder, 'snapshot');
  const first = new Process([source.path], { WAGSNAP_PARK: `${n}` });
  try {
    await capturePid(first.pid, { output: snapshot, kill: true });
  } catch (error) {
    const { code, signal } = await first.ended;
    const has = error instanceof ToolError && ['process-ended', 'no-process', 'ended'].includes(error.code);
    return has && code === 0 && signal === null ? 'ended' : (error as Error);
  }
  const { stdout } = await first.ended;
  const resumable = join(folder, 'resumable');
  try {
    const { target: cpu, launcher } = specTarget(target.arch)!;
    const stored = readSnapshot(snapshot);
    writeResumable(stored, target.description, target.modules, { target: cpu, output: resumable, sourceFd: 3 });
    const fd = openSync(snapshot, 'r');
    const second = new Process([...launcher, resumable], {}, fd);
    closeSync(fd);
    const { code, signal, stdout: rest, stderr } = await second.ended;
    if (code !== 0) return new Error(`the second half ended with ${signal ?? code}: ${stderr}`);
    return Buffer.concat([stdout, rest]);
  } catch (error) {
    return error as Error;
  }
}

function difference(actual: Buffer, expected: Buffer): string {
  let at = 0;
  while (at < expected.length && actual[at] === expected[at]) at++;
  const value = (bytes: Buffer) => bytes.subarray(at & ~7, (at & ~7) + 8).toString('hex');
  return `result ${at >> 3} of ${expected.length >> 3} is ${value(actual)}, not ${value(expected)}`;
}
