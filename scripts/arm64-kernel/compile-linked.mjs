/**
 * Compiles a module and the modules that it is linked to, to an image. Needs dist.
 */

import { readFileSync } from 'node:fs';
import { root } from '../setup.mjs';

const load = (path) => import(`${root}/dist/src/${path}.js`);

/** @param linked paths of modules by the names that they are imported by */
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
