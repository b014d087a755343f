/**
 * Random modules captured at random safepoints of their run and restored, perhaps for another CPU or by another version of
 * the compiler. The snapshot must have every value that an interpreter has at that safepoint: so the site tables describe
 * all there is, and rightly. What both halves print must be what V8 says: so restoring misses nothing.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { compileImage, type ModuleInput } from '../../src/compile/compile.js';
import { writeImage } from '../../src/compile/image/write-file.js';
import { type ImageDescription, readImage } from '../../src/compile/metadata/image-reader.js';
import { decodeModule } from '../../src/compile/wasm/decode.js';
import { ExternKind } from '../../src/compile/wasm/module.js';
import { writeResumable } from '../../src/restore/restore.js';
import { capturePid } from '../../src/snapshot/capture.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { specTarget } from '../spec/targets.js';
import { Choices } from './choices.js';
import { NanMode } from './code.js';
import { compareSnapshot } from './compare-snapshot.js';
import { Interpreter, type InterpreterFrame } from './interpreter.js';
import { link, type Memory } from './machine.js';
import { expectedOutput, mainModule, withoutTraps } from './main-module.js';
import type { Raw } from './numeric-oracle.js';
import { type Ending, Process } from './process.js';
import { type Case, randomCase } from './random-module.js';
import type { Sizes } from './shape.js';

export interface MigrationOptions {
  readonly sizes: Sizes;
  /** How many captures of each case. */
  readonly captures: number;
  /** CPUs to restore for. */
  readonly arches: readonly string[];
  /** With canonical NaNs, which must be the same bits everywhere. */
  readonly deterministic: boolean;
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
  readonly deterministic: boolean;
  readonly modules: readonly (ModuleInput & { readonly name: string })[];
  readonly description: ImageDescription;
}

/** The last safepoint that is tried: each one passed costs a signal. */
const FARTHEST = 2000;

export async function migrateCase(seed: number, folder: string, options: MigrationOptions): Promise<MigrationResult> {
  const { sizes, captures, arches, deterministic } = options;
  const choices = new Choices(seed ^ 0x5bd1e995);
  const native = randomCase(seed, { sizes, nan: deterministic ? NanMode.Native : NanMode.Guarded });
  const oracle = deterministic ? randomCase(seed, { sizes, nan: NanMode.Explicit }) : native;
  const { one, expected } = withoutTraps(forMigration(native), oracle);
  const modules = [...one.modules, mainModule(one)].map(({ name: called, bytes }): ModuleInput & { name: string } => ({
    name: called,
    file: called || 'main',
    module: decodeModule(bytes, called || 'main'),
  }));
  const output = expectedOutput(expected);
  const image = (file: string, arch: string): Image => {
    const variation = choices.oneIn(2) ? choices.next(1000) : undefined;
    const compiled = compileImage(modules, { target: specTarget(arch)!.target, deterministic, variation });
    const path = join(folder, file);
    writeImage(compiled, path);
    return { path, arch, variation, deterministic, modules, description: readImage(compiled.bytes) };
  };
  const source = image('source', 'x64');
  const targets = arches.map((arch) => image(`target-${arch}`, arch));
  const sites = safepoints(source);

  const failures: string[] = [];
  for (let i = 0; i < captures; i++) {
    const n = choices.pick(choices.pick(sites));
    const target = choices.pick(targets);
    const wrong = await migrate(source, target, n, folder, output);
    if (wrong.length > 0)
      failures.push([`seed ${seed}, safepoint ${n}, ${name(source)} to ${name(target)}`, ...wrong].join('\n'));
  }
  return { failures, migrated: captures };
}

/** Without hashing memories again and again: thousands of safepoints that are all alike. */
function forMigration(one: Case): Case {
  return { ...one, steps: one.steps.filter(({ name: called }, i) => called !== 'state' || i === one.steps.length - 1) };
}

/** One buffer; the interpreter prints nothing. */
function fdWrite({ view }: Memory, args: readonly Raw[]): Raw[] {
  const [, buffers, , written] = args.map(Number);
  view.setUint32(written, view.getUint32(buffers + 4, true), true);
  return [0];
}

/** The n-th safepoint of a run by the interpreter; undefined when there are fewer. */
function interpret(
  { modules, deterministic }: Image,
  n: number,
  visit?: (frame: InterpreterFrame) => void,
): Interpreter | undefined {
  const decoded = modules.map(({ module }) => module);
  const names = modules.map(({ name: called }) => called);
  const instances = link(decoded, names, { fd_write: fdWrite });
  const main = instances[instances.length - 1];
  const interpreter = new Interpreter(instances, deterministic, visit);
  return interpreter.run(main.functions[main.find('_start', ExternKind.Func)], n) ? interpreter : undefined;
}

/** Of each site, when it is reached: so that one in a loop is not chosen more often than one that is reached once. */
function safepoints(image: Image): number[][] {
  const bySite = new Map<string, number[]>();
  let n = 0;
  interpret(image, FARTHEST, ({ entry, kind, offset }) => {
    const key = `${entry.instance} ${entry.index} ${kind} ${offset}`;
    const list = bySite.get(key) ?? [];
    bySite.set(key, list);
    list.push(++n);
  });
  return [...bySite.values()];
}

function name({ arch, variation }: Image): string {
  return variation === undefined ? arch : `${arch} variation ${variation}`;
}

/** @returns what is wrong, a line each */
async function migrate(source: Image, target: Image, n: number, folder: string, output: Buffer): Promise<string[]> {
  const file = join(folder, 'snapshot');
  const first = new Process([source.path], { WAGSNAP_PARK: `${n}` });
  try {
    await capturePid(first.pid, { output: file, kill: true });
  } catch (error) {
    const { code, signal } = await first.ended;
    return [`not captured, ended with ${signal ?? code}: ${(error as Error).stack}`];
  }
  const { stdout } = await first.ended;
  const stored = readSnapshot(file);
  const interpreter = interpret(source, n);
  const wrong = interpreter ? compareSnapshot(stored, interpreter) : ['the interpreter has fewer safepoints'];
  const second = await restore(stored, target, join(folder, 'resumable'));
  if (second instanceof Error) return [...wrong, `${second.stack}`];
  const { code, signal, stderr } = second;
  if (code !== 0) wrong.push(`the second half ended with ${signal ?? code}: ${stderr}`);
  const printed = Buffer.concat([stdout, second.stdout]);
  if (!printed.equals(output)) wrong.push(difference(printed, output));
  return wrong;
}

async function restore(stored: StoredSnapshot, target: Image, output: string): Promise<Ending | Error> {
  const { target: cpu, launcher } = specTarget(target.arch)!;
  const modules = target.modules.map(({ module }) => module);
  try {
    writeResumable(stored, target.description, modules, { target: cpu, output, sourceFd: 3 });
  } catch (error) {
    return error as Error;
  }
  const fd = openSync(stored.path, 'r');
  const process = new Process([...launcher, output], {}, fd);
  closeSync(fd);
  return process.ended;
}

function difference(actual: Buffer, expected: Buffer): string {
  let at = 0;
  while (at < expected.length && actual[at] === expected[at]) at++;
  const value = (bytes: Buffer) => bytes.subarray(at & ~7, (at & ~7) + 8).toString('hex');
  return `result ${at >> 3} of ${expected.length >> 3} is ${value(actual)}, not ${value(expected)}`;
}
