/**
 * All CPUs have the same sites, and what each image's tables say can be true, for every module at hand: the conformance
 * suite's, the fixtures', and the largest that the packages bring. Nothing is run.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { levels, targets } from '../../src/arch/targets.js';
import { ownPackage } from '../../src/base/package.js';
import { type CompileOptions, compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import { readImage } from '../../src/image/reader.js';
import { readModule } from '../../src/wasm/wat.js';
import { Planner } from '../spec/planner.js';
import { readScript } from '../spec/script.js';
import { createAssembler, SCRIPT_FEATURES, testsuiteFolder, testsuiteScripts } from '../support/wast.js';
import { checkAllocation } from './allocation.js';
import { compareSites, type SiteComparison } from './same-sites.js';

function compare(modules: readonly ModuleInput[], options: Omit<CompileOptions, 'target'> = {}): SiteComparison {
  const [x64, arm64] = [targets.x64, targets.arm64].map((target) => {
    const image = readImage(compileImage(modules, { ...options, target }).bytes);
    expect(checkAllocation(image, target.plan)).toEqual([]);
    return image;
  });
  return compareSites(x64, arm64);
}

async function compareFile(path: string): Promise<SiteComparison> {
  return compare([{ module: await readModule(path), file: path }], { allowMissingImports: true });
}

const root = ownPackage().folder;
const folders = ['fixtures/programs', 'test/wasi/programs', 'test/migrate', 'build/e2e'];
const files = folders
  .map((folder) => resolve(root, folder))
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .filter((path) => /\.wa(sm|t)$/.test(path));

test('fixtures', async () => {
  let sites = 0;
  for (const path of files) {
    await setImmediate();
    const result = await compareFile(path);
    expect(result.differences, path).toEqual([]);
    sites += result.sites;
  }
  console.log(`${files.length} modules, ${sites} sites`);
  expect(sites).toBeGreaterThan(5000);
});

test('AVX changes no site', async () => {
  const file = resolve(root, 'test/migrate/vectors.wat');
  const module = await readModule(file);
  const of = (target: CompileOptions['target']) => readImage(compileImage([{ module, file }], { target }).bytes);
  const avx = of(levels.x64['x86-64-v3']!);
  expect(compareSites(of(targets.x64), avx)).toMatchObject({ differences: [] });
  expect(checkAllocation(avx, targets.x64.plan)).toEqual([]);
});

test('esbuild', async () => {
  await sleep(200); // lets the runner hear of this process before it compiles for long
  const { differences, functions, sites } = await compareFile(resolve(root, 'node_modules/esbuild-wasm/esbuild.wasm'));
  expect(differences).toEqual([]);
  console.log(`${functions} functions, ${sites} sites`);
  expect(sites).toBeGreaterThan(80_000);
});

describe('conformance suite', () => {
  const suite = testsuiteFolder();
  if (suite === undefined) {
    test.skip('was not compared: set WASM_TESTSUITE to its folder', () => {});
    return;
  }

  test('every module that a script instantiates', async () => {
    const assemble = await createAssembler(SCRIPT_FEATURES);
    const total = { modules: 0, sites: 0 };
    const differences: string[] = [];
    for (const script of testsuiteScripts(suite)) {
      await setImmediate(); // lets the runner hear of this process
      const commands = readScript(readFileSync(join(suite, script)));
      const planner = await Planner.of(script, commands, assemble);
      for (const command of commands) await planner.plan(command);
      const { inputs } = planner.linker;
      const result = compare(inputs);
      for (const difference of result.differences) differences.push(`${script}: ${difference}`);
      total.modules += inputs.length;
      total.sites += result.sites;
    }
    console.log(`${total.modules} modules, ${total.sites} sites`);
    expect(differences).toEqual([]);
    expect(total.modules).toBeGreaterThan(1000);
  });
});
