/**
 * Random modules that trap, captured there: each local must have the value that the interpreter has before the
 * instruction. Only the local that takes the instruction's result may be missing.
 *
 * The interpreter knows no traps: when it throws at the same instruction, that counts as the trap.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { MISSING, type StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { ExternKind } from '../../src/wasm/module.js';
import { Op } from '../../src/wasm/opcodes.js';
import { ARCHES, specTarget } from '../spec/targets.js';
import { sized } from '../support/sampling.js';
import { captureAndEnd, Workload } from '../support/workload.js';
import { NanMode } from './code.js';
import { bitsOf, shown, Values } from './compare-snapshot.js';
import { Interpreter } from './interpreter.js';
import { link } from './machine.js';
import { mainModule } from './main-module.js';
import { runInV8 } from './oracle.js';
import { type Case, randomCase } from './random-module.js';
import { fdWrite } from './safepoints.js';

const CASES = sized(20, 120);
const env = { WAGSNAP_ON_TRAP: 'park' };
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-trapped-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A case for each step that traps: the steps before it that do not, and it. */
function trapping(seed: number): Case[] {
  const sizes = { functions: 3, body: seed % 2 ? 60 : 150, vectors: seed % 4 > 1, exceptions: seed % 3 > 0 };
  const whole = randomCase(seed, { sizes, nan: NanMode.Guarded });
  const steps = whole.steps.filter(({ name }) => name !== 'state');
  const outcomes = runInV8({ ...whole, steps });
  const traps = (i: number) => outcomes[i].traps.length > 0;
  return steps.flatMap((last, i) => {
    if (!traps(i)) return [];
    const one = { ...whole, steps: [...steps.slice(0, i).filter((_, k) => !traps(k)), last] };
    return runInV8(one).every((outcome, k) => outcome.traps.length > 0 === (k === one.steps.length - 1)) ? [one] : [];
  });
}

/** Runs to where it throws something; undefined when it does not. */
function interpretToTrap(modules: readonly ModuleInput[]): Interpreter | undefined {
  const instances = link(
    modules.map(({ module }) => module),
    modules.map(({ name = '' }) => name),
    { fd_write: fdWrite },
  );
  const main = instances[instances.length - 1];
  const interpreter = new Interpreter(instances, false);
  try {
    interpreter.run(main.functions[main.find('_start', ExternKind.Func)], 1_000_000);
    return undefined;
  } catch {
    return interpreter;
  }
}

interface Comparison {
  readonly wrong: string[];
  /** Locals of the frame that trapped. */
  readonly compared: number;
  readonly missing: number;
}

/** @returns undefined when the interpreter stands elsewhere */
function compare({ snapshot }: StoredSnapshot, interpreter: Interpreter): Comparison | undefined {
  const { frames } = snapshot;
  const expected = [...interpreter.frames].reverse();
  const [top] = expected;
  const { instance, func, offset, kind } = frames.site(0);
  const same = top?.entry.instance === instance && top.entry.index === func && top.position === offset;
  if (!same || kind !== 'trap' || frames.count !== expected.length) return undefined;
  const values = new Values(snapshot, interpreter);
  const wrong: string[] = [];
  let missing = 0;
  for (const [i, frame] of expected.entries()) {
    const { locals, operands } = frames.site(i);
    const all = i === 0 ? frame.locals : [...frame.locals, ...frame.stack];
    for (const [n, value] of all.entries()) {
      const type = n < locals.length ? locals[n] : operands[n - locals.length];
      if (type === MISSING && i === 0) {
        missing++;
        if (nextLocalSet(frame.reader.bytes, frame.reader.at) !== n) wrong.push(`local ${n} is missing`);
        continue;
      }
      const actual = bitsOf(frames.value(i, n));
      if (!values.value(type, actual, value)) {
        wrong.push(`frame ${i}, value ${n} is ${shown(actual)} instead of 0x${value.toString(16)}`);
      }
    }
  }
  return { wrong, compared: top.locals.length, missing };
}

/** The local that the instruction at `at` sets, if it does; they are below 128 here. */
function nextLocalSet(bytes: Uint8Array, at: number): number {
  return bytes[at] === Op.LocalSet || bytes[at] === Op.LocalTee ? bytes[at + 1] : -1;
}

for (const arch of ARCHES.filter((name) => specTarget(name) !== undefined)) {
  test(`locals at traps on ${arch}`, { timeout: 300_000 }, async () => {
    const { target } = specTarget(arch)!;
    let traps = 0;
    let compared = 0;
    let missing = 0;
    for (let seed = 1; seed <= CASES; seed++) {
      for (const one of trapping(seed).slice(0, 2)) {
        const modules = [...one.modules, mainModule(one)].map(({ name, bytes }) => ({
          name,
          file: name || 'main',
          module: decodeModule(bytes, name || 'main'),
        }));
        const interpreter = interpretToTrap(modules);
        if (interpreter === undefined) continue;
        const path = join(folder, 'image');
        writeImage(compileImage(modules, { target, variation: seed % 2 ? seed : undefined }), path);
        const workload = Workload.start(path, { env });
        await workload.waitForTrap();
        const file = join(folder, 'snapshot');
        await captureAndEnd(workload, file);
        await workload.ended();
        const result = compare(readSnapshot(file), interpreter);
        if (result === undefined) continue;
        expect(result.wrong, `seed ${seed}, step ${one.steps.length}`).toEqual([]);
        traps++;
        compared += result.compared;
        missing += result.missing;
      }
    }
    console.log(`${arch}: ${traps} traps, ${compared} locals, ${missing} of them missing`);
    expect(traps).toBeGreaterThan(CASES / 4);
    expect(missing).toBeLessThan(compared / 20);
  });
}
