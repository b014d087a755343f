/**
 * `npm run bisect -- MODULE [--arch x64|arm64] -- COMMAND [ARG…]`: which function is compiled wrongly?
 *
 * COMMAND gets the path of an image (in place of {}, else as its last argument) and exits with 0 when that image works.
 * Functions up to some index are compiled as usual, the others the plain way (src/compile/debugging.ts), and the index
 * is halved until one function makes the difference.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { readModule } from '../../src/wasm/wat.js';
import { bisect } from './bisect.js';

const args = process.argv.slice(2);
const split = args.indexOf('--');
const [file, flag, arch = 'x64'] = args.slice(0, Math.max(split, 0));
const command = split < 0 ? [] : args.slice(split + 1);
if (file === undefined || command.length === 0 || (flag !== undefined && flag !== '--arch') || !(arch in targets)) {
  console.error('usage: npm run bisect -- MODULE [--arch x64|arm64] -- COMMAND [ARG…]   ({} stands for the image)');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-bisect-'));
try {
  const module = await readModule(file);
  const first = module.importedFuncCount;
  const found = bisect(module.funcTypes.length - first, (usual) => {
    const image = join(folder, `image-${usual}`);
    const target = targets[arch as keyof typeof targets];
    const plain = (funcIndex: number) => funcIndex >= first + usual;
    writeImage(compileImage([{ module, file }], { target, debugging: { plain } }), image);
    const line = command.includes('{}') ? command.map((word) => (word === '{}' ? image : word)) : [...command, image];
    const { status, signal } = spawnSync(line[0], line.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
    console.log(`${usual} functions as usual: ${status === 0 ? 'good' : `bad (${signal ?? `exit code ${status}`})`}`);
    rmSync(image);
    return status === 0;
  });
  if (typeof found === 'string') {
    console.log(found);
    process.exitCode = 1;
  } else {
    const index = first + found;
    const name = module.names?.functions.get(index);
    console.log(`function ${index}${name === undefined ? '' : ` <${name}>`} makes the difference; look at it with`);
    console.log(`  wag-snap compile ${file} --arch ${arch} --dump asm --function ${index}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
