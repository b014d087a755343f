/**
 * Random modules captured at random safepoints of their run and restored, on either CPU or by another version of the
 * compiler. The snapshot must have every value that an interpreter has at that safepoint: this checks that the site
 * tables are complete and correct. Both halves together must print what V8 prints: this checks that restoring misses
 * nothing.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { type ImageDescription, readImage } from '../../src/image/reader.js';
import { writeResumable } from '../../src/restore/restore.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { specTarget } from '../spec/targets.js';
import { capturePid } from '../support/capture.js';
import { Choices } from './choices.js';
import { NanMode } from './code.js';
import { compareSnapshot } from './compare-snapshot.js';
import { caseForV8, type NewForms, rewritten } from './differential.js';
import { expectedOutput, mainModule, withoutTraps } from './main-module.js';
import { Process } from './process.js';
import { type Case, randomCase } from './random-module.js';
import { interpret, type Program, passesSafepoints, type Stop, safepoints, startParking } from './safepoints.js';
import type { Sizes } from './shape.js';

export interface MigrationOptions extends NewForms {
  readonly sizes: Sizes;
  /** How many runs of each case, with a capture or two. */
  readonly runs: number;
  /** CPUs to capture on and to restore for: one of each is chosen for a case. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** With canonical NaNs, which must be the same bits everywhere. */
  readonly deterministic: boolean;
}

export interface MigrationResult {
  readonly failures: string[];
  /** From which CPU to which. */
  readonly route: string;
  /** Captures that were made and restored. */
  readonly migrated: number;
}

interface Image extends Program {
  readonly path: string;
  readonly arch: string;
  readonly variation: number | undefined;
  readonly description: ImageDescription;
}

export async function migrateCase(seed: number, folder: string, options: MigrationOptions): Promise<MigrationResult> {
  const { sizes, runs, from, to, deterministic } = options;
  const choices = new Choices(seed ^ 0x5bd1e995);
  const native = randomCase(seed, { sizes, nan: deterministic ? NanMode.Native : NanMode.Guarded });
  const oracle = caseForV8(seed, { sizes }, deterministic, native);
  const { one: plain, expected } = withoutTraps(forMigration(native), oracle);
  const one = rewritten(plain, options);
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
  const source = image('source', choices.pick(from));
  const target = image('target', choices.pick(to));
  const sites = safepoints(source);

  const failures: string[] = [];
  let migrated = 0;
  for (let i = 0; i < runs; i++) {
    const route = randomRoute(choices, sites, source, target);
    const wrong = await migrate(route, folder, output);
    migrated += route.stops.length;
    if (wrong.length > 0) failures.push([`seed ${seed}, ${describeRoute(route)}`, ...wrong].join('\n'));
  }
  return { failures, route: `${source.arch} to ${target.arch}`, migrated };
}

/** Without hashing memories again and again: thousands of safepoints that are all alike. */
function forMigration(one: Case): Case {
  return { ...one, steps: one.steps.filter(({ name: called }, i) => called !== 'state' || i === one.steps.length - 1) };
}

function describeRoute({ stops, images }: Route): string {
  const names = images.map(({ arch, variation }) =>
    variation === undefined ? arch : `${arch} variation ${variation}`,
  );
  return `safepoints ${stops.map(({ n }) => n).join(', ')}, ${names.join(' -> ')}`;
}

/** Safepoints to capture at, in order, and the images that run up to and after them: one more. */
interface Route {
  readonly stops: readonly Stop[];
  readonly images: readonly Image[];
}

/** A second stop may be the same safepoint again: then what was restored is looked at as it was put there. */
function randomRoute(choices: Choices, sites: Stop[][], source: Image, target: Image): Route {
  const first = randomStop(choices, sites, source, 1);
  if (!choices.oneIn(3)) return { stops: [first], images: [source, target] };
  const between = choices.pick([source, target]);
  const second = choices.oneIn(4) ? first : randomStop(choices, sites, between, first.n);
  return { stops: [first, second], images: [source, between, target] };
}

/** At any site that is reached from the n-th safepoint on. */
function randomStop(choices: Choices, sites: Stop[][], { arch }: Image, from: number): Stop {
  const ahead = sites.map((list) => list.filter(({ n }) => n >= from)).filter((list) => list.length > 0);
  const list = choices.pick(ahead);
  return passesSafepoints(arch) ? choices.pick(list) : list[0];
}

/** @returns what is wrong, a line each */
async function migrate({ stops, images }: Route, folder: string, output: Buffer): Promise<string[]> {
  const file = join(folder, 'snapshot');
  const printed: Buffer[] = [];
  const wrong: string[] = [];
  let process = startParking(images[0].path, images[0].arch, stops[0], 0);
  for (const [hop, stop] of stops.entries()) {
    try {
      await capturePid(process.pid, { output: file, kill: true });
      const stored = readSnapshot(file);
      printed.push((await process.ended).stdout);
      const interpreter = interpret(images[0], stop.n);
      wrong.push(...(interpreter ? compareSnapshot(stored, interpreter) : ['the interpreter has fewer safepoints']));
      process = await restore(stored, images[hop + 1], join(folder, `resumable-${hop}`), stop, stops[hop + 1]);
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

/** @param last where the snapshot was taken, @param next where to park, undefined to run to the end */
async function restore(
  stored: StoredSnapshot,
  target: Image,
  output: string,
  last: Stop,
  next: Stop | undefined,
): Promise<Process> {
  const { target: cpu, launcher } = specTarget(target.arch)!;
  const modules = target.modules.map(({ module }) => module);
  await writeResumable(stored, target.description, modules, { target: cpu, output, sourceFd: 3 });
  const fd = openSync(stored.path, 'r');
  try {
    if (next === undefined) return new Process([...launcher, output], {}, fd);
    return startParking(output, target.arch, next, last.n - 1, fd); // the safepoint that it stands at counts again
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
