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
import { rewritten } from './differential.js';
import { Interpreter, type InterpreterFrame } from './interpreter.js';
import { link, type Memory } from './machine.js';
import { expectedOutput, mainModule, withoutTraps } from './main-module.js';
import type { Raw } from './numeric-oracle.js';
import { Process } from './process.js';
import { type Case, randomCase } from './random-module.js';
import type { Sizes } from './shape.js';

export interface MigrationOptions {
  readonly sizes: Sizes;
  /** How many runs of each case, with a capture or two. */
  readonly runs: number;
  /** CPUs to restore for. */
  readonly arches: readonly string[];
  /** With canonical NaNs, which must be the same bits everywhere. */
  readonly deterministic: boolean;
  /** With exceptions in the form that V8 does not know. */
  readonly tryTables?: boolean;
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
  const { sizes, runs, arches, deterministic, tryTables } = options;
  const choices = new Choices(seed ^ 0x5bd1e995);
  const native = randomCase(seed, { sizes, nan: deterministic ? NanMode.Native : NanMode.Guarded });
  const oracle = deterministic ? randomCase(seed, { sizes, nan: NanMode.Explicit }) : native;
  const { one: plain, expected } = withoutTraps(forMigration(native), oracle);
  const one = rewritten(plain, undefined, tryTables);
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
  let migrated = 0;
  for (let i = 0; i < runs; i++) {
    const route = randomRoute(choices, sites, source, targets);
    const wrong = await migrate(route, folder, output);
    migrated += route.stops.length;
    if (wrong.length > 0) failures.push([`seed ${seed}, ${describeRoute(route)}`, ...wrong].join('\n'));
  }
  return { failures, migrated };
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

function describeRoute({ stops, images }: Route): string {
  const names = images.map(({ arch, variation }) =>
    variation === undefined ? arch : `${arch} variation ${variation}`,
  );
  return `safepoints ${stops.join(', ')}, ${names.join(' -> ')}`;
}

/** Safepoints to capture at, in order, and the images that run up to and behind them: one more. */
interface Route {
  readonly stops: readonly number[];
  readonly images: readonly Image[];
}

/** A second stop may be the same safepoint again: then what was restored is looked at as it was put there. */
function randomRoute(choices: Choices, sites: number[][], source: Image, targets: readonly Image[]): Route {
  const first = choices.pick(choices.pick(sites));
  const last = sites.reduce((most, list) => Math.max(most, list[list.length - 1]), 0);
  const stops = [first];
  if (choices.oneIn(3)) stops.push(first + choices.small(last - first + 1));
  const between = stops.slice(1).map(() => source);
  return { stops, images: [source, ...between, choices.pick(targets)] };
}

/** @returns what is wrong, a line each */
async function migrate({ stops, images }: Route, folder: string, output: Buffer): Promise<string[]> {
  const file = join(folder, 'snapshot');
  const printed: Buffer[] = [];
  const wrong: string[] = [];
  let process = new Process([images[0].path], { WAGSNAP_PARK: `${stops[0]}` });
  for (const [hop, stop] of stops.entries()) {
    try {
      await capturePid(process.pid, { output: file, kill: true });
      const stored = readSnapshot(file);
      printed.push((await process.ended).stdout);
      const interpreter = interpret(images[0], stop);
      wrong.push(...(interpreter ? compareSnapshot(stored, interpreter) : ['the interpreter has fewer safepoints']));
      const next = stops[hop + 1]; // the safepoint that it stands at counts again
      const env: Record<string, string> = next === undefined ? {} : { WAGSNAP_PARK: `${next - stop + 1}` };
      process = restore(stored, images[hop + 1], join(folder, `resumable-${hop}`), env);
    } catch (error) {
      const { code, signal, stderr } = await process.ended;
      return [...wrong, `hop ${hop}: ${(error as Error).stack}`, `it ended with ${signal ?? code}: ${stderr}`];
    }
  }
  const { code, signal, stderr, stdout } = await process.ended;
  if (code !== 0) wrong.push(`the last piece ended with ${signal ?? code}: ${stderr}`);
  const all = Buffer.concat([...printed, stdout]);
  if (!all.equals(output)) wrong.push(difference(all, output));
  return wrong;
}

function restore(
  stored: StoredSnapshot,
  target: Image,
  output: string,
  env: Readonly<Record<string, string>>,
): Process {
  const { target: cpu, launcher } = specTarget(target.arch)!;
  const modules = target.modules.map(({ module }) => module);
  writeResumable(stored, target.description, modules, { target: cpu, output, sourceFd: 3 });
  const fd = openSync(stored.path, 'r');
  try {
    return new Process([...launcher, output], env, fd);
  } finally {
    closeSync(fd);
  }
}

function difference(actual: Buffer, expected: Buffer): string {
  let at = 0;
  while (at < expected.length && actual[at] === expected[at]) at++;
  const value = (bytes: Buffer) => bytes.subarray(at & ~7, (at & ~7) + 8).toString('hex');
  return `result ${at >> 3} of ${expected.length >> 3} is ${value(actual)}, not ${value(expected)}`;
}
