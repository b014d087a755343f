/**
 * Compiles a module and the ones that it is linked to, to an image: what `wag-snap compile` does with one. Needs dist.
 */

import { readFileSync } from 'node:fs';
import { root } from '../setup.mjs';

const load = (path) => import(`${root}/dist/src/${path}.js`);

/** @param linked path of a module by the name that it is imported by */
export async function compileLinked(module, linked, arch, output) {
  const { compileImage } = await load('compile/compile');
  const { writeImage } = await load('compile/image/write-file');
  const { readModule } = await load('compile/wasm/wat');
  const { targets } = await load('arch/targets');
  const input = async (file, name) => ({ name, module: await readModule(readFileSync(file), file), file });
  const inputs = await Promise.all(Object.entries(linked).map(([name, file]) => input(file, name)));
  inputs.push(await input(module));
  writeImage(compileImage(inputs, { target: targets[arch] }), output);
}
