/** Modules that are linked into one image, and calls of what the last of them exports, on either CPU. */

import { join } from 'node:path';
import { expect } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import { type CompiledImage, compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { readModule } from '../../src/wasm/wat.js';
import { drive, type Reply } from '../spec/driver.js';
import { specTarget } from '../spec/targets.js';
import { temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
let images = 0;

/** Modules named m0, m1, …, linked: the text between `(module` and `)`, or bytes. */
export async function compile(
  arch: ArchName,
  ...sources: readonly (string | Uint8Array)[]
): Promise<{ image: CompiledImage; path: string }> {
  const modules: ModuleInput[] = [];
  for (const [i, source] of sources.entries()) {
    modules.push({
      name: `m${i}`,
      file: `m${i}`,
      module: await readModule(typeof source === 'string' ? Buffer.from(`(module ${source})`) : source, `m${i}`),
    });
  }
  const image = compileImage(modules, { target: targets[arch] });
  const path = join(folder, `image${images++}`);
  writeImage(image, path);
  return { image, path };
}

/** Instantiates all and calls exports of the last module: a name and i32 arguments, with one result or none. */
export async function call(
  arch: ArchName,
  sources: readonly (string | Uint8Array)[],
  ...calls: [string, number[], number][]
): Promise<Reply[]> {
  const { image, path } = await compile(arch, ...sources);
  const instances = sources.map((_, i) => ({ kind: 'instantiate', instance: i + 1 }) as const);
  const requests = calls.map(([name, args, results]) => {
    const record = image.functionRecord(sources.length, name)!;
    return { kind: 'invoke', record, args: args.map(BigInt), results } as const;
  });
  const { launcher } = specTarget(arch)!;
  const { replies, death } = await drive([...launcher, path], [...instances, ...requests]);
  expect(death).toBeUndefined();
  return replies.slice(instances.length);
}

export const value = (n: number): Reply => ({ trap: 0, values: [BigInt(n)] });
export const trap = (kind: number): Reply => ({ trap: kind, values: [] });
