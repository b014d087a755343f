/**
 * `npm run bench|spec|fuzz|bisect|modules|scale`: builds wag-snap, compiles test/NAME/main.ts and what it imports to
 * build/tools, and runs it in the package's folder with the given arguments. `npm test` checks types: an error
 * elsewhere in test/ does not keep a tool from running.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { bin, ensureBuilt, root } from './setup.mjs';

const [name, ...args] = process.argv.slice(2);
const source = `test/${name}/main.ts`;
if (!name || !existsSync(`${root}/${source}`)) {
  console.error(`usage: node scripts/tool.mjs NAME [ARG…], where test/NAME/main.ts exists`);
  process.exit(2);
}
ensureBuilt();

const out = `${root}/build/tools/${name}`;
mkdirSync(out, { recursive: true });
const config = {
  extends: '../../../tsconfig.json',
  compilerOptions: { noEmit: false, rootDir: '../../..', outDir: '.', types: ['node'], incremental: true },
  include: [],
  files: [`../../../${source}`],
};
writeFileSync(`${out}/tsconfig.json`, `${JSON.stringify(config, null, 2)}\n`);
const compiled = spawnSync(bin('tsc'), ['-p', `${out}/tsconfig.json`], { cwd: root, encoding: 'utf8' });
if (!existsSync(`${out}/test/${name}/main.js`)) {
  console.error(compiled.stdout);
  process.exit(1);
}
if (compiled.status !== 0) console.error(`${compiled.stdout}(types do not check; running all the same)`);

const { status, signal } = spawnSync('node', [`${out}/test/${name}/main.js`, ...args], { cwd: root, stdio: 'inherit' });
process.exit(status ?? (signal ? 1 : 0));
